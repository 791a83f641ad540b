import { defineFunction } from "../function.ts";
import { collectNumbers, compareNumbers } from "../number.ts";

export const min = defineFunction({
  name: "MIN",
  category: "number",
  summary: "Smallest of the numbers, also in lists; empty ones are skipped, NULL when there is none.",
  parameters: [{ name: "value", type: "any", variadic: true, summary: "numbers or lists of numbers" }],
  returns: "decimal",
  nullable: true,
  examples: [
    { formula: "MIN(3, [1.5, NULL], 2)", output: 1.5 },
    { formula: "MIN([])", output: null },
    { formula: 'MIN(3, "1")', error: "expected numbers, found text" },
  ],
  apply: (values) => {
    const numbers = collectNumbers(values);
    return numbers.length === 0
      ? null
      : numbers.reduce((least, next) => (compareNumbers(next, least) < 0 ? next : least));
  },
});
