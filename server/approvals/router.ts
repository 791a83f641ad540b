import { router, viewerProcedure } from "../trpc/init.ts";
import { AnswerApprovals, answerApprovals } from "./answer.ts";
import { countMine, ListApprovals, listApprovals } from "./list-approvals.ts";

export const approvalsRouter = router({
  list: viewerProcedure.input(ListApprovals).query(({ ctx, input }) => listApprovals(ctx, input)),
  mine: viewerProcedure.query(({ ctx }) => countMine(ctx)),
  // who may is said by each step; the use case looks
  answer: viewerProcedure.input(AnswerApprovals).mutation(({ ctx, input }) => answerApprovals(ctx, input)),
});
