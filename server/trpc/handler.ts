import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { personBehind } from "../auth/who.ts";
import { type Database, getDatabase } from "../db/prisma.ts";
import { foreignOrigin } from "../request-origin.ts";
import { appRouter } from "./root.ts";

/** Answers /api/trpc/*. A change is only taken from our own pages: the browser says on whose page the request was made. */
export async function handleTrpc(
  request: Request,
  { db, pool }: Pick<Database, "db" | "pool"> = getDatabase(),
): Promise<Response> {
  const refusal = foreignOrigin(request);
  if (refusal) return refusal;
  return fetchRequestHandler({
    endpoint: "/api/trpc",
    req: request,
    router: appRouter,
    allowMethodOverride: true, // questions that carry a whole document are asked by POST
    createContext: async ({ req, resHeaders }) => ({
      db,
      pool,
      headers: req.headers,
      responseHeaders: resHeaders,
      signedIn: await personBehind({ db, pool }, req.headers),
    }),
    // a live stream brings its own; what comes in parts would, compressed, be held back until a block is full
    responseMeta: ({ type, info }) => {
      if (type === "subscription") return {};
      const inParts = info?.accept === "application/jsonl";
      return { headers: new Headers({ "cache-control": inParts ? "no-store, no-transform" : "no-store" }) };
    },
  });
}
