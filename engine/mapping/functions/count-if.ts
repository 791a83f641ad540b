import { readCriterion } from "../criterion.ts";
import { defineFunction } from "../function.ts";

export const countIf = defineFunction({
  name: "COUNTIF",
  chain: null,
  category: "list",
  summary: "How many items of a list meet a condition, written as in spreadsheets.",
  parameters: [
    { name: "list", type: "list", summary: "values" },
    { name: "condition", type: "any", summary: 'a value, or text such as ">=5", "<>A" or "A*"' },
  ],
  returns: "integer",
  examples: [
    { formula: 'COUNTIF([2, 0, 3], ">0")', output: 2 },
    { formula: 'COUNTIF(["A1", "B2", "a3", NULL], "A*")', output: 2 },
    { formula: 'COUNTIF([1, "1", "2026-01-02"], 1)', output: 1 },
    { formula: 'COUNTIF(["2026-01-02", "2025-12-31"], ">=2026-01-01")', output: 1 },
  ],
  apply: ([list, condition], env) => list.filter(readCriterion(condition, env)).length,
});
