import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { add, collectNumbers, divide } from "../number.ts";

export const average = defineFunction({
  name: "AVERAGE",
  category: "number",
  summary: "Mean of the numbers, also in lists; empty ones are skipped.",
  parameters: [{ name: "value", type: "any", variadic: true, summary: "numbers or lists of numbers" }],
  returns: "decimal",
  examples: [
    { formula: "AVERAGE(1, 2, 4.5)", output: 2.5 },
    { formula: "AVERAGE([NULL])", error: "no numbers" },
  ],
  apply: (values) => {
    const numbers = collectNumbers(values);
    if (numbers.length === 0) fail("empty", "there are no numbers to take the mean of", 0);
    return divide(numbers.reduce(add), numbers.length);
  },
});
