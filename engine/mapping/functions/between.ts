import { compareValues } from "../compare.ts";
import { defineFunction } from "../function.ts";

export const between = defineFunction({
  name: "BETWEEN",
  category: "logic",
  summary: "Whether a value lies between two others, these included: numbers, dates or texts.",
  parameters: [
    { name: "value", type: "any", empty: "error", summary: "value to test" },
    { name: "least", type: "any", empty: "error", summary: "smallest" },
    { name: "most", type: "any", empty: "error", summary: "largest" },
  ],
  returns: "boolean",
  examples: [
    { formula: "BETWEEN(5, 1, 5)", output: true },
    { formula: 'BETWEEN("2026-11-23", "2026-12-01", "2026-12-31")', output: false },
    { formula: 'BETWEEN("5", 1, 10)', error: "cannot compare" },
  ],
  apply: ([value, least, most], env) => compareValues(value, least, env) >= 0 && compareValues(value, most, env) <= 0,
});
