/** What filter and branch ask of a record: a formula, rules, or both. */
import type { JsonRecord } from "../../../connectors/sdk/types.ts";
import type { Problem, Shape, StepContext } from "../define-step.ts";
import { atField } from "../words.ts";
import { compileCondition, compileRules } from "./compile-rules.ts";
import { conditionProblems, ruleProblems } from "./rule-problems.ts";
import type { Condition } from "./schema.ts";

type Conditional = { where?: string | undefined; rules?: Condition[] | undefined };

/** @throws MappingError (when called) for a record for which the formula has no result */
export function compileConditional(
  { where, rules }: Conditional,
  input: Shape,
): (record: JsonRecord, context: StepContext) => boolean {
  const formula = where === undefined ? undefined : compileCondition(where, input);
  const tests = compileRules(rules ?? [], input).map(({ holds }) => holds);
  if (formula && tests.length === 0) return formula;
  return (record, context) => {
    for (const holds of tests) if (!holds(record, context)) return false;
    return formula === undefined || formula(record, context);
  };
}

/** @param place "" or the setting that holds the condition, such as "branches[0]." */
export function conditionalProblems(
  step: { id: string; title?: string | undefined },
  { where, rules }: Conditional,
  input: Shape,
  place: string,
): Problem[] {
  const problems = ruleProblems(step, rules ?? [], input, `${place}rules`);
  if (where !== undefined) problems.push(...conditionProblems(step, where, input, `${place}where`));
  else if (!rules?.length) {
    const field = `${place}where`;
    const message = `${atField(step, field)}: expected a formula or rules, found none.`;
    problems.push({
      step: step.id,
      field,
      message,
      remedy: "Say which records are meant, such as total > 100, or add a rule.",
    });
  }
  return problems;
}
