/** All routers. Each sits in server/<noun>/router.ts; keep the lines in alphabetical order. */
import { connectionsRouter } from "../connections/router.ts";
import { sessionRouter } from "../session/router.ts";
import { createCallerFactory, router } from "./init.ts";

export const appRouter = router({
  connections: connectionsRouter,
  session: sessionRouter,
});

export type AppRouter = typeof appRouter;
/** Calls procedures without HTTP: tests, and pages rendered on the server. */
export const createCaller = createCallerFactory(appRouter);
