import { defineFunction } from "../function.ts";
import { collectNumbers, compareNumbers } from "../number.ts";

export const max = defineFunction({
  name: "MAX",
  category: "number",
  summary: "Largest of the numbers, also in lists; empty ones are skipped, NULL when there is none.",
  parameters: [{ name: "value", type: "any", variadic: true, summary: "numbers or lists of numbers" }],
  returns: "decimal",
  nullable: true,
  examples: [
    { formula: "MAX(lines.price)", record: { lines: [{ price: 3.5 }, { price: 12 }] }, output: 12 },
    { formula: "MAX(NULL)", output: null },
    { formula: 'MAX(3, "x")', error: "expected numbers, found text" },
  ],
  apply: (values) => {
    const numbers = collectNumbers(values);
    return numbers.length === 0 ? null : numbers.reduce((most, next) => (compareNumbers(next, most) > 0 ? next : most));
  },
});
