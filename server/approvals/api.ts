import { z } from "zod";
import { defineRoute } from "../api/route.ts";
import { Instant, JsonObject } from "../api/schemas.ts";
import { pageSchema } from "../paging.ts";
import { Answer, answerApprovals } from "./answer.ts";
import { ListApprovals, listApprovals } from "./list-approvals.ts";

const Decision = z.enum(["yes", "no"]);
const Approval = z
  .object({
    id: z.string(),
    flow: z.string(),
    flowName: z.string(),
    run: z.string(),
    step: z.string(),
    stepTitle: z.string(),
    question: z.string().nullable(),
    key: z.string(),
    record: JsonObject.describe("The fields to judge by"),
    at: Instant,
    until: Instant.nullable().describe("When the time for an answer is over"),
    otherwise: Decision.nullable().describe("What counts then"),
    who: z.array(z.string()).nullable().describe("People and roles who may answer; null: operators"),
    mine: z.boolean().describe("May this token answer?"),
    decision: Decision.nullable(),
    decidedBy: z.string().nullable(),
    decidedAt: Instant.nullable(),
    note: z.string().nullable(),
  })
  .meta({ id: "Approval" });

const { flowId, ...rest } = ListApprovals.shape;

export const approvalRoutes = [
  defineRoute({
    method: "GET",
    path: "/approvals",
    role: "viewer",
    summary: "Records that wait for a person's yes or no, oldest first",
    query: z.object({ ...rest, flow: flowId }),
    response: pageSchema(Approval),
    handle: (ctx, { query: { flow, ...query } }) => listApprovals(ctx, { ...query, flowId: flow }),
  }),
  defineRoute({
    method: "POST",
    path: "/approvals/:id",
    role: "viewer",
    summary: "Say yes or no",
    description:
      "For people and roles the step names and admins; where it names nobody, for operators. The record goes on within about a second.",
    params: z.object({ id: z.string().regex(/^\d{1,18}$/, "expected the number of an approval") }),
    body: Answer,
    response: z.object({ answered: z.number().int() }),
    failures: { "already-answered": 409 },
    example: { body: { decision: "yes", note: "Checked with Ana" }, response: { answered: 1 } },
    handle: (ctx, { params, body }) => answerApprovals(ctx, { ...body, ids: [params.id] }),
  }),
];
