import { quote } from "../../../connectors/sdk/errors.ts";
import type { Json, JsonRecord } from "../../../connectors/sdk/types.ts";
import { durationMs } from "../../flow/duration.ts";
import { type CompiledMapping, compileMapping } from "../../mapping/compile-mapping.ts";
import { parseIso, toInstant } from "../../mapping/moment.ts";
import { dead, emptyBatch, push } from "../batch.ts";
import {
  defineStep,
  type Ended,
  type HeldPart,
  type Problem,
  type Shape,
  type StepContext,
  type StepExecutor,
  type StepSite,
} from "../define-step.ts";
import { atField, failureCode, sentence } from "../words.ts";
import { type WaitStep, waitSchema } from "./schema.ts";

export const waitStep = defineStep<WaitStep>({
  kind: "wait",
  role: "middle",
  title: "Wait",
  summary: "Holds each record for a time or until a date, then lets it go on in a run of its own.",
  icon: "hourglass",
  tint: "amber",
  schema: waitSchema,
  ports: () => [{ name: "out", title: "Afterwards" }],
  output: ({ input }) => ({ out: input }),
  problems,
  compile,
  describe: (step) =>
    step.for !== undefined ? step.for : step.until !== undefined ? `until ${step.until}` : "no time yet",
  draft: () => ({ kind: "wait", for: "10m" }),
  examples: [
    {
      title: "each record is held for a time",
      step: { kind: "wait", for: "10m" },
      input: [{ id: 1 }],
      out: { out: [] },
      ended: [{ outcome: "held" }],
    },
    {
      title: "or until a date of its own; one whose time has come goes on at once",
      step: { kind: "wait", until: "due_on" },
      input: [{ due_on: "2026-12-24" }, { due_on: "2026-11-01" }],
      out: { out: [{ due_on: "2026-11-01" }] },
      ended: [{ outcome: "held" }],
    },
    {
      title: "what is no date is a dead letter",
      step: { kind: "wait", until: "due_on" },
      input: [{ due_on: "soon" }, { due_on: null }],
      out: { out: [] },
      ended: [
        { outcome: "dead", code: "wait-not-a-date", field: "until" },
        { outcome: "dead", code: "wait-not-a-date", field: "until" },
      ],
    },
  ],
});

const compiled = (until: string, input: Shape): CompiledMapping =>
  compileMapping([{ to: "until", formula: until }], { input: input.open ? undefined : input.fields });

function problems({ step, input }: StepSite<WaitStep>): Problem[] {
  if ((step.for === undefined) === (step.until === undefined)) {
    const found = step.for === undefined ? "none of them" : "both";
    const message = `${atField(step, "for")}: expected either a time (for) or a date (until), found ${found}.`;
    return [{ step: step.id, field: "for", message, remedy: "Say how long to wait, or until when." }];
  }
  if (step.until === undefined) return [];
  return compiled(step.until, input).problems.map(({ message, remedy }) => ({
    step: step.id,
    field: "until",
    message: `${atField(step, "until")}: ${sentence(message)}`,
    remedy: sentence(remedy),
  }));
}

function compile({ step, input }: StepSite<WaitStep>): StepExecutor {
  const until = step.until === undefined ? undefined : compiled(step.until, input);
  const afterMs = step.for === undefined ? 0 : durationMs(step.for);
  return (batch, context) => {
    const out = emptyBatch();
    const ended: Ended[] = [];
    const held: HeldPart[] = [];
    const hold = (part: HeldPart) => {
      held.push(part);
      ended.push({ origin: part.origin, outcome: "held", record: part.record });
    };
    for (const [index, record] of batch.records.entries()) {
      const origin = batch.origins[index]!;
      // a dry run shows what comes after the wait
      if (until === undefined && context.mode === "dry") push(out, record, origin);
      else if (until === undefined) hold({ origin, record, afterMs });
      else {
        const moment = momentOf(step, until, record, context);
        if ("failure" in moment) ended.push(dead(record, origin, moment.failure));
        else if (moment.at <= context.now.getTime() || context.mode === "dry") push(out, record, origin);
        else hold({ origin, record, at: new Date(moment.at).toISOString() });
      }
    }
    return { out: { out }, ended, ...(held.length > 0 ? { held } : {}) };
  };
}

function momentOf(step: WaitStep, until: CompiledMapping, record: JsonRecord, context: StepContext) {
  const made = until.run(record, context);
  const fail = (code: string, message: string) => ({
    failure: { kind: "rejected" as const, code, field: "until", message: `${atField(step, "until")}: ${message}` },
  });
  if (!made.ok) return fail(failureCode(made.code), sentence(made.message));
  const value: Json = made.record.until ?? null;
  const parsed = typeof value === "string" ? parseIso(value, () => context.timeZone) : undefined;
  if (parsed) return { at: toInstant(parsed, () => context.timeZone) };
  return fail(
    "wait-not-a-date",
    `expected a date or time, found ${quote(value)}. Correct it here, or convert it in the formula.`,
  );
}
