import { router, viewerProcedure } from "../trpc/init.ts";
import { AnswerApprovals, answerApprovals } from "./answer.ts";
import { ListApprovals, listApprovals } from "./list-approvals.ts";

export const approvalsRouter = router({
  list: viewerProcedure.input(ListApprovals).query(({ ctx, input }) => listApprovals(ctx, input)),
  // who may is said by each step; the use case looks
  answer: viewerProcedure.input(AnswerApprovals).mutation(({ ctx, input }) => answerApprovals(ctx, input)),
});
