/** What each rule makes of one record, in the browser, with the code the worker runs. */
import type { Field } from "../../connectors/sdk/types.ts";
import { compileMapping } from "../../engine/mapping/compile-mapping.ts";
import { convertValue } from "../../engine/mapping/convert-value.ts";
import type { FieldMapping } from "../../engine/mapping/field-mapping.ts";
import type { Json, JsonRecord, MappingEnv } from "../../engine/mapping/types.ts";
import { valueAt } from "./sample-facts.ts";

export type Result = { ok: true; value: Json } | { ok: false; reason: string };

export type CompiledRule = {
  to: string;
  /** paths of the source fields it reads */
  reads: string[];
  run(record: JsonRecord, env: MappingEnv): Result;
};

/**
 * @param input fields that arrive; undefined when the shape is open
 * @param targetOf what the target declares of a field: the value is fitted to it, as the write step will do
 */
export function compileRules(
  rules: readonly FieldMapping[],
  input: readonly Field[] | undefined,
  targetOf: (to: string) => Field | undefined,
): CompiledRule[] {
  return rules.map((rule) => {
    const compiled = compileMapping([rule], { input });
    const target = targetOf(rule.to);
    return {
      to: rule.to,
      reads: compiled.reads[0] ?? [],
      run(record, env) {
        const made = compiled.run(record, env);
        if (!made.ok) return { ok: false, reason: made.message };
        const value = valueAt(made.record, rule.to) ?? null;
        if (!target) return { ok: true, value };
        const fitted = convertValue(value, target.type, target);
        return fitted.ok
          ? { ok: true, value: fitted.value }
          : { ok: false, reason: `${fitted.message}. ${fitted.remedy}` };
      },
    };
  });
}
