import { z } from "zod";
import { router, viewerProcedure } from "../trpc/init.ts";
import { homeSummary } from "./home-summary.ts";

export const homeRouter = router({
  summary: viewerProcedure.input(z.object({}).optional()).query(({ ctx }) => homeSummary(ctx)),
});
