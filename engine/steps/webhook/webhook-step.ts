import { durationMs } from "../../flow/duration.ts";
import { declaredShape } from "../declared-shape.ts";
import { defineStep, type Problem } from "../define-step.ts";
import { atField, count } from "../words.ts";
import { LONGEST_ANSWER_MS, type WebhookStep, webhookSchema } from "./schema.ts";

export const webhookStep = defineStep<WebhookStep>({
  kind: "webhook",
  role: "trigger",
  title: "Webhook",
  summary: "Starts the flow whenever another system sends an event to the flow's address.",
  icon: "webhook",
  tint: "teal",
  schema: webhookSchema,
  ports: () => [{ name: "out", title: "Events" }],
  output: ({ step, world }) => ({ out: declaredShape(step, world.learnt?.get(step.id)) }),
  problems: ({ step }) => [...fieldProblems(step), ...timeProblems(step)],
  notes: ({ step, world }) => {
    if (step.fields !== undefined || step.sample !== undefined || world.learnt?.has(step.id)) return [];
    const message = "No event has arrived yet and no sample is given, so its fields are not known.";
    return [{ step: step.id, message: `${message} Send one, paste a sample, or name the fields yourself.` }];
  },
  describe,
  draft: () => ({ kind: "webhook" }),
  examples: [],
});

function fieldProblems(step: WebhookStep): Problem[] {
  const seen = new Set<string>();
  for (const { name } of step.fields ?? []) {
    if (seen.has(name)) {
      const message = `${atField(step, "fields")}: expected each field once, found “${name}” twice.`;
      return [{ step: step.id, field: "fields", message, remedy: "Remove one of the two." }];
    }
    seen.add(name);
  }
  return [];
}

function timeProblems(step: WebhookStep): Problem[] {
  if (step.timeout === undefined || durationMs(step.timeout) <= LONGEST_ANSWER_MS) return [];
  const message = `${atField(step, "timeout")}: expected at most ${LONGEST_ANSWER_MS / 1000}s, found ${step.timeout}.`;
  return [{ step: step.id, field: "timeout", message, remedy: "Shorten it; the event goes on after that anyway." }];
}

function describe({ fields, sample, signature, wait }: WebhookStep): string {
  const what = fields?.length ? count(fields.length, "field") : sample === undefined ? "any event" : "by sample";
  const proof = signature && signature.scheme !== "none" ? ", signed" : "";
  return `${what}${proof}${wait ? ", answers" : ""}`;
}
