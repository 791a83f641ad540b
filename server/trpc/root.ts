/** All routers. Each sits in server/<noun>/router.ts; keep the lines in alphabetical order. */
import { approvalsRouter } from "../approvals/router.ts";
import { connectionsRouter } from "../connections/router.ts";
import { lettersRouter } from "../dead-letters/router.ts";
import { deliveriesRouter } from "../events/router.ts";
import { flowsRouter } from "../flows/router.ts";
import { homeRouter } from "../home/router.ts";
import { recordsRouter } from "../ledger/router.ts";
import { runsRouter } from "../runs/router.ts";
import { searchRouter } from "../search/router.ts";
import { sessionRouter } from "../session/router.ts";
import { settingsRouter } from "../settings/router.ts";
import { topicsRouter } from "../topics/router.ts";
import { createCallerFactory, router } from "./init.ts";

export const appRouter = router({
  approvals: approvalsRouter,
  connections: connectionsRouter,
  deliveries: deliveriesRouter,
  flows: flowsRouter,
  home: homeRouter,
  letters: lettersRouter,
  records: recordsRouter,
  runs: runsRouter,
  session: sessionRouter,
  search: searchRouter,
  settings: settingsRouter,
  topics: topicsRouter,
});

export type AppRouter = typeof appRouter;
/** Calls procedures without HTTP: tests, and pages rendered on the server. */
export const createCaller = createCallerFactory(appRouter);
