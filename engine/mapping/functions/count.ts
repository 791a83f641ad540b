import { defineFunction } from "../function.ts";
import { isNumber } from "../value.ts";

export const count = defineFunction({
  name: "COUNT",
  chain: null,
  category: "number",
  summary: "How many numbers there are, also in lists.",
  parameters: [{ name: "value", type: "any", variadic: true, summary: "values or lists" }],
  returns: "integer",
  examples: [
    { formula: 'COUNT([1, "2", NULL, 3.5])', output: 2 },
    { formula: "COUNT(NULL)", output: 0 },
  ],
  apply: (values) => values.flat(1).filter(isNumber).length,
});
