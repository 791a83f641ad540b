import { z } from "zod";
import { AnyId } from "../db/storable.ts";
import { ListLetters, listLetters } from "../dead-letters/list-letters.ts";
import { liveProcedure } from "../live/live-events.ts";
import { builderProcedure, operatorProcedure, router, viewerProcedure } from "../trpc/init.ts";
import { cancelRun } from "./cancel-run.ts";
import { getRunDetail } from "./get-run.ts";
import { ListChanges, listChanges } from "./list-changes.ts";
import { ListCovered, listCovered } from "./list-covered.ts";
import { ListRuns, listRuns } from "./list-runs.ts";
import { StartRun, startRun } from "./start-run.ts";
import { UndoRun, undoRun } from "./undo-run.ts";
import { UndoSince, undoSince } from "./undo-since.ts";

const ByRun = z.object({ runId: AnyId });
const LettersOfRun = ListLetters.pick({ cursor: true, limit: true }).extend({ runId: z.string().regex(/^\d{1,18}$/) });

export const runsRouter = router({
  list: viewerProcedure.input(ListRuns).query(({ ctx, input }) => listRuns(ctx, input)),
  get: viewerProcedure.input(ByRun).query(({ ctx, input }) => getRunDetail(ctx, input.runId)),
  changes: viewerProcedure.input(ListChanges).query(({ ctx, input }) => listChanges(ctx, input)),
  covered: viewerProcedure.input(ListCovered).query(({ ctx, input }) => listCovered(ctx, input)),
  letters: viewerProcedure.input(LettersOfRun).query(({ ctx, input }) => listLetters(ctx, input)),
  start: builderProcedure.input(StartRun).mutation(({ ctx, input }) => startRun(ctx, input)),
  cancel: operatorProcedure.input(ByRun).mutation(({ ctx, input }) => cancelRun(ctx, input.runId)),
  undo: operatorProcedure.input(UndoRun).mutation(({ ctx, input }) => undoRun(ctx, input)),
  undoSince: operatorProcedure.input(UndoSince).mutation(({ ctx, input }) => undoSince(ctx, input)),
  live: liveProcedure,
});
