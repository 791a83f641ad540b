import { handleAuth } from "../../../../server/auth/sign-in.ts";

export const dynamic = "force-dynamic";

const handle = (request: Request) => handleAuth(request);

export { handle as GET, handle as POST };
