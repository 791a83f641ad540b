import { z } from "zod";
import { AnyId } from "../db/storable.ts";
import { operatorProcedure, router, viewerProcedure } from "../trpc/init.ts";
import { DismissLetters, dismissLetters } from "./dismiss-letters.ts";
import { getLetter } from "./get-letter.ts";
import { ListGroups, listGroups } from "./list-groups.ts";
import { ListLetters, listLetters } from "./list-letters.ts";
import { ReplayLetters, replayLetters } from "./replay-letters.ts";

export const lettersRouter = router({
  list: viewerProcedure.input(ListLetters).query(({ ctx, input }) => listLetters(ctx, input)),
  groups: viewerProcedure.input(ListGroups).query(({ ctx, input }) => listGroups(ctx, input)),
  get: viewerProcedure.input(z.object({ id: AnyId })).query(({ ctx, input }) => getLetter(ctx, input.id)),
  replay: operatorProcedure.input(ReplayLetters).mutation(({ ctx, input }) => replayLetters(ctx, input)),
  dismiss: operatorProcedure.input(DismissLetters).mutation(({ ctx, input }) => dismissLetters(ctx, input)),
});
