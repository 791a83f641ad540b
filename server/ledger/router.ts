import { router, viewerProcedure } from "../trpc/init.ts";
import { JourneyOf, journeyOf } from "./journey.ts";

export const recordsRouter = router({
  journey: viewerProcedure.input(JourneyOf).query(({ ctx, input }) => journeyOf(ctx, input)),
});
