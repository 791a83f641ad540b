import type { JsonRecord } from "../../../connectors/sdk/types.ts";
import { MappingError } from "../../mapping/error.ts";
import { dead, emptyBatch, partition, push } from "../batch.ts";
import {
  type Batch,
  defineStep,
  type Ended,
  type Shape,
  type StepExecutor,
  type StepResult,
  type StepSite,
} from "../define-step.ts";
import { type CompiledRule, compileRules, failureFrom, type Reason } from "../rules/compile-rules.ts";
import { ruleProblems } from "../rules/rule-problems.ts";
import { count, stepName } from "../words.ts";
import { examples } from "./examples.ts";
import { type CheckStep, checkSchema } from "./schema.ts";
import { partitionUnique, uniqueRules } from "./unique.ts";

export const checkStep = defineStep<CheckStep>({
  kind: "check",
  role: "middle",
  title: "Check",
  summary: "Lets only records pass that keep all rules; the others wait under Failed, each with its reason.",
  icon: "shield-check",
  tint: "amber",
  schema: checkSchema,
  ports: (step) =>
    step.otherwise === "port"
      ? [
          { name: "out", title: "Passed" },
          { name: "failed", title: "Failed" },
        ]
      : [{ name: "out", title: "Passed" }],
  output({ step, input }): { [port: string]: Shape } {
    const passed = withoutEmpty(step, input);
    return step.otherwise === "port" ? { out: passed, failed: input } : { out: passed };
  },
  problems({ step, input }) {
    const problems = ruleProblems(step, step.rules, input, "rules");
    if (step.rules.length === 0) {
      const message = `${stepName(step)}: expected at least one rule, found none.`;
      problems.push({ step: step.id, field: "rules", message, remedy: "Add a rule, or remove the step." });
    }
    return problems;
  },
  compile,
  describe: (step) => count(step.rules.length, "rule"),
  draft: () => ({ kind: "check", rules: [], otherwise: "dead" }),
  examples,
});

/** What a rule demands to be there is not empty after the step. */
function withoutEmpty(step: CheckStep, input: Shape): Shape {
  const filled = new Set(
    step.rules.filter((rule) => !rule.optional && (rule.required || rule.is !== undefined)).map(({ field }) => field),
  );
  if (!input.fields.some(({ name, nullable }) => filled.has(name) && nullable !== false)) return input;
  return {
    ...input,
    fields: input.fields.map((field) => (filled.has(field.name) ? { ...field, nullable: false } : field)),
  };
}

function compile({ step, input }: StepSite<CheckStep>): StepExecutor {
  const rules = compileRules(step.rules, input);
  const unique = uniqueRules(rules);
  const tests = rules.map(testOf);

  return (batch, context) => {
    const failed = emptyBatch();
    const ended: Ended[] = [];
    const fail = (record: JsonRecord, origin: number, reasons: Reason[]) => {
      if (step.otherwise === "port") push(failed, record, origin);
      else if (step.otherwise === "filter") ended.push({ origin, outcome: "filtered", record });
      else ended.push(dead(record, origin, failureFrom(step, reasons)));
    };
    const keep = (record: JsonRecord): boolean => {
      for (const test of tests) if (!test(record, context)) return false;
      return true;
    };
    const passed = partition(batch, keep, (record, origin) => {
      const broken = rules.filter((_, index) => !tests[index]!(record, context));
      fail(
        record,
        origin,
        broken.map((rule) => rule.reason(record, context)),
      );
    });
    const result = (out: Batch): StepResult => ({ out: step.otherwise === "port" ? { out, failed } : { out }, ended });
    if (unique.length === 0) return result(passed);
    return partitionUnique(passed, unique, step.id, context, fail).then(result);
  };
}

/** A rule whose formula or pattern has no result for a record is broken by it. */
function testOf({ rule, holds }: CompiledRule): CompiledRule["holds"] {
  if (rule.formula === undefined && rule.matches === undefined) return holds;
  return (record, context) => {
    try {
      return holds(record, context);
    } catch (error) {
      if (error instanceof MappingError) return false;
      throw error;
    }
  };
}
