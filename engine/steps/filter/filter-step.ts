import { dead, partition } from "../batch.ts";
import { defineStep, type Ended } from "../define-step.ts";
import { compileConditional, conditionalProblems } from "../rules/condition.ts";
import { count, formulaFailure } from "../words.ts";
import { type FilterStep, filterSchema } from "./schema.ts";

export const filterStep = defineStep<FilterStep>({
  kind: "filter",
  role: "middle",
  title: "Filter",
  summary: "Lets only the records pass that you want; the others end as filtered.",
  icon: "filter",
  tint: "blue",
  schema: filterSchema,
  ports: () => [{ name: "out", title: "Passed" }],
  output: ({ input }) => ({ out: input }),
  problems: ({ step, input }) => conditionalProblems(step, step, input, ""),
  compile({ step, input }) {
    const holds = compileConditional(step, input);
    return (batch, context) => {
      const ended: Ended[] = [];
      let failure: unknown;
      const out = partition(
        batch,
        (record) => {
          failure = undefined;
          try {
            return holds(record, context);
          } catch (error) {
            failure = error;
            return false;
          }
        },
        (record, origin) => {
          if (failure === undefined) ended.push({ origin, outcome: "filtered", record });
          else ended.push(dead(record, origin, formulaFailure(step, failure)));
        },
      );
      return { out: { out }, ended };
    };
  },
  describe: (step) => step.where ?? count(step.rules?.length ?? 0, "rule"),
  draft: () => ({ kind: "filter" }),
  examples: [
    {
      title: "only orders that are paid pass",
      step: { kind: "filter", where: 'state = "paid"' },
      input: [
        { id: 1, state: "paid" },
        { id: 2, state: "open" },
      ],
      out: { out: [{ id: 1, state: "paid" }] },
      ended: [{ outcome: "filtered" }],
    },
    {
      title: "rules can be drawn instead of written",
      step: { kind: "filter", rules: [{ field: "country", oneOf: ["DE", "AT"] }] },
      input: [{ country: "AT" }, { country: "FR" }, { country: null }],
      out: { out: [{ country: "AT" }] },
      ended: [{ outcome: "filtered" }, { outcome: "filtered" }],
    },
    {
      title: "a record the formula cannot judge is a dead letter, not silently left out",
      step: { kind: "filter", where: "total > 100" },
      input: [{ total: 120 }, { total: "12,50" }],
      out: { out: [{ total: 120 }] },
      ended: [{ outcome: "dead", code: "mismatch" }],
    },
  ],
});
