import { defineFunction } from "../function.ts";

export const not = defineFunction({
  name: "NOT",
  category: "logic",
  summary: "TRUE for FALSE and FALSE for TRUE.",
  parameters: [{ name: "condition", type: "boolean", empty: "error", summary: "condition" }],
  returns: "boolean",
  examples: [
    { formula: "NOT(1 > 2)", output: true },
    { formula: "NOT(NULL)", error: "found nothing" },
  ],
  apply: ([condition]) => !condition,
});
