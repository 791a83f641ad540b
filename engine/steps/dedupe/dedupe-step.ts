import type { JsonRecord } from "../../../connectors/sdk/types.ts";
import { dead, emptyBatch, push } from "../batch.ts";
import { defineStep, type Ended, type StepExecutor, type StepSite } from "../define-step.ts";
import { isEmpty, joinKey, keyText, readerOf } from "../field-access.ts";
import { unknownField } from "../shape.ts";
import { atField, list, stepName } from "../words.ts";
import { examples } from "./examples.ts";
import { type DedupeStep, dedupeSchema } from "./schema.ts";

export const dedupeStep = defineStep<DedupeStep>({
  kind: "dedupe",
  role: "middle",
  title: "Remove duplicates",
  summary: "Lets the first record of each key pass; later ones end as duplicate.",
  icon: "copy-minus",
  tint: "violet",
  schema: dedupeSchema,
  ports: () => [{ name: "out", title: "First of each" }],
  output: ({ input }) => ({ out: input }),
  problems({ step, input }) {
    if (step.keys.length === 0) {
      const message = `${atField(step, "keys")}: expected at least one field that tells records apart, found none.`;
      return [{ step: step.id, field: "keys", message, remedy: "Choose the fields of the key." }];
    }
    return step.keys.flatMap((key) => unknownField(step, input, key) ?? []);
  },
  compile,
  describe: (step) => (step.keys.length === 0 ? "no key yet" : `by ${step.keys.join(", ")}`),
  draft: () => ({ kind: "dedupe", keys: [], scope: "run" }),
  examples,
});

function compile({ step }: StepSite<DedupeStep>): StepExecutor {
  const readers = step.keys.map(readerOf);
  const scope = step.scope ?? "run";
  const part = (text: string): string => {
    const trimmed = step.trim ? text.trim() : text;
    return step.ignoreCase ? trimmed.toLowerCase() : trimmed;
  };
  /** null when every field of the key is empty */
  const keyOf = (record: JsonRecord): string | null => {
    let filled = false;
    const parts = readers.map((read) => {
      const value = read(record);
      if (isEmpty(value)) return "";
      filled = true;
      return part(keyText(value!));
    });
    return filled ? joinKey(parts) : null;
  };

  return async (batch, context) => {
    const keys = batch.records.map(keyOf);
    const asked = [...new Set(keys.filter((key) => key !== null))];
    const taken = new Set(asked.length > 0 ? await context.seen(step.id, scope, asked) : []);
    const fresh: string[] = [];
    const out = emptyBatch();
    const ended: Ended[] = [];
    for (const [index, record] of batch.records.entries()) {
      const key = keys[index]!;
      const origin = batch.origins[index]!;
      if (key === null && step.emptyKey === "dead") ended.push(dead(record, origin, emptyKey(step)));
      else if (key !== null && taken.has(key)) ended.push({ origin, outcome: "duplicate", record, key });
      else {
        if (key !== null) {
          taken.add(key);
          fresh.push(key);
        }
        push(out, record, origin);
      }
    }
    if (fresh.length > 0) context.remember(step.id, scope, fresh);
    return { out: { out }, ended };
  };
}

function emptyKey(step: DedupeStep) {
  const field = step.keys[0]!;
  const where =
    step.keys.length === 1 ? `${stepName(step)}, field “${field}”` : `${stepName(step)}, fields ${list(step.keys)}`;
  const message = `${where}: expected a value that tells the record apart, found nothing. Fill it in here and retry.`;
  return { kind: "rejected" as const, code: "dedupe-empty-key", field, message };
}
