/** `unique: true`: no two records of a run that pass a check have the same value. */
import { quote } from "../../../connectors/sdk/errors.ts";
import type { JsonRecord } from "../../../connectors/sdk/types.ts";
import type { Batch, StepContext } from "../define-step.ts";
import { isEmpty, joinKey, keyText } from "../field-access.ts";
import type { CompiledRule, Reason } from "../rules/compile-rules.ts";

/** The rules that ask for it, with the place of each in the step, which is part of the remembered key. */
export function uniqueRules(rules: readonly CompiledRule[]): { rule: CompiledRule; index: number }[] {
  return rules.map((rule, index) => ({ rule, index })).filter(({ rule }) => rule.rule.unique === true && rule.read);
}

/** Splits a batch that keeps all other rules: records with a value seen before are handed to `lose`; the new values are remembered. */
export async function partitionUnique(
  batch: Batch,
  rules: { rule: CompiledRule; index: number }[],
  stepId: string,
  context: StepContext,
  lose: (record: JsonRecord, origin: number, reasons: Reason[]) => void,
): Promise<Batch> {
  const keysOf = batch.records.map((record) => rules.map(({ rule, index }) => uniqueKey(rule, index, record)));
  const all = new Set(keysOf.flat().filter((key) => key !== undefined));
  const taken = new Set(await context.seen(stepId, "run", [...all]));
  const fresh: string[] = [];
  const kept: Batch = { records: [], origins: [] };
  for (const [at, record] of batch.records.entries()) {
    const keys = keysOf[at]!;
    const reasons = rules.flatMap(({ rule }, place) => {
      const key = keys[place];
      return key !== undefined && taken.has(key) ? [reasonOf(rule, record)] : [];
    });
    const origin = batch.origins[at]!;
    if (reasons.length > 0) lose(record, origin, reasons);
    else {
      for (const key of keys) {
        if (key === undefined) continue;
        taken.add(key);
        fresh.push(key);
      }
      kept.records.push(record);
      kept.origins.push(origin);
    }
  }
  if (fresh.length > 0) context.remember(stepId, "run", fresh);
  return kept;
}

function uniqueKey(rule: CompiledRule, index: number, record: JsonRecord): string | undefined {
  const value = rule.read?.(record);
  return value === undefined || isEmpty(value) ? undefined : `${index}:${joinKey([keyText(value)])}`;
}

function reasonOf({ rule, read }: CompiledRule, record: JsonRecord): Reason {
  const found = quote(read?.(record));
  const text = rule.message ?? `expected a value no other record of this run has, found ${found} a second time`;
  const remedy = rule.message ? "" : "Correct the value here and retry, or dismiss this record.";
  return { code: "check-unique", ...(rule.field === undefined ? {} : { field: rule.field }), text, remedy };
}
