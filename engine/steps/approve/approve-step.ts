import { durationMs } from "../../flow/duration.ts";
import { emptyBatch } from "../batch.ts";
import {
  defineStep,
  type Ended,
  type HeldPart,
  type Question,
  type StepExecutor,
  type StepSite,
} from "../define-step.ts";
import { unknownField } from "../shape.ts";
import { atField } from "../words.ts";
import { type ApproveStep, approveSchema } from "./schema.ts";
import { whoInWords } from "./who.ts";

export const approveStep = defineStep<ApproveStep>({
  kind: "approve",
  role: "middle",
  title: "Approve",
  summary: "Holds each record until a person says yes or no under Approvals.",
  icon: "user-check",
  tint: "amber",
  schema: approveSchema,
  ports: () => [
    { name: "yes", title: "Yes" },
    { name: "no", title: "No" },
  ],
  output: ({ input }) => ({ yes: input, no: input }),
  problems({ step, input }) {
    const unknown = (step.show ?? []).flatMap((path) => unknownField(step, input, path) ?? []);
    if (step.otherwise === undefined || step.within !== undefined) return unknown;
    const message = `${atField(step, "otherwise")}: found an answer for when nobody gave one in time, but no time limit.`;
    return [
      ...unknown,
      { step: step.id, field: "within", message, remedy: "Set a time limit, or leave that answer out." },
    ];
  },
  compile,
  describe: ({ who, within }) =>
    `${who === undefined ? "anyone who may retry" : who.length < 3 ? whoInWords(who) : `${who.length} people or roles`}${within === undefined ? "" : ` within ${within}`}`,
  draft: () => ({ kind: "approve" }),
  examples: [
    {
      title: "each record waits for a person's answer",
      step: { kind: "approve", question: "Pay this refund?", within: "2d", otherwise: "no" },
      input: [{ id: 1, refund: 900 }],
      out: { yes: [], no: [] },
      ended: [{ outcome: "held" }],
    },
  ],
});

function compile({ step }: StepSite<ApproveStep>): StepExecutor {
  const { question, show, who, otherwise = "no" } = step;
  const ask: Question = {
    ...(question === undefined ? {} : { question }),
    ...(show === undefined ? {} : { show }),
    ...(who === undefined ? {} : { who }),
    ...(step.within === undefined ? {} : { otherwise }),
  };
  const afterMs = step.within === undefined ? undefined : durationMs(step.within);
  return (batch, context) => {
    // a dry run shows what a yes would do
    if (context.mode === "dry") return { out: { yes: batch, no: emptyBatch() }, ended: [] };
    const held: HeldPart[] = [];
    const ended: Ended[] = [];
    for (const [index, record] of batch.records.entries()) {
      const origin = batch.origins[index]!;
      held.push({ origin, record, ask, ...(afterMs === undefined ? {} : { afterMs }) });
      ended.push({ origin, outcome: "held", record });
    }
    return { out: { yes: emptyBatch(), no: emptyBatch() }, ended, held };
  };
}
