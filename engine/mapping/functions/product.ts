import { defineFunction } from "../function.ts";
import { collectNumbers, multiply } from "../number.ts";

export const product = defineFunction({
  name: "PRODUCT",
  category: "number",
  summary: "Multiplies numbers and the numbers in lists exactly; empty ones are skipped.",
  parameters: [{ name: "value", type: "any", variadic: true, summary: "numbers or lists of numbers" }],
  returns: "decimal",
  nullable: true,
  examples: [
    { formula: "PRODUCT(3, 1.19, [2])", output: 7.14 },
    { formula: "PRODUCT([])", output: null },
    { formula: 'PRODUCT("3")', error: "expected numbers" },
  ],
  apply: (values) => {
    const numbers = collectNumbers(values);
    return numbers.length === 0 ? null : numbers.reduce(multiply);
  },
});
