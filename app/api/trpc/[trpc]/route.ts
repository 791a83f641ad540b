import { handleTrpc } from "../../../../server/trpc/handler.ts";

export const dynamic = "force-dynamic";

const handle = (request: Request) => handleTrpc(request);

export { handle as GET, handle as POST };
