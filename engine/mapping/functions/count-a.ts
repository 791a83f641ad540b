import { defineFunction } from "../function.ts";

export const countA = defineFunction({
  name: "COUNTA",
  chain: "count",
  category: "number",
  summary: "How many values are not empty, also in lists.",
  parameters: [{ name: "value", type: "any", variadic: true, summary: "values or lists" }],
  returns: "integer",
  examples: [
    { formula: 'COUNTA(["a", NULL, 3, ""])', output: 2 },
    { formula: "COUNTA(lines)", record: { lines: [{ sku: "A1" }, { sku: "B2" }] }, output: 2 },
    { formula: "COUNTA(NULL)", output: 0 },
  ],
  apply: (values) => values.flat(1).filter((value) => value !== null && value !== "").length,
});
