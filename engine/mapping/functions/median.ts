import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { add, collectNumbers, compareNumbers, divide } from "../number.ts";

export const median = defineFunction({
  name: "MEDIAN",
  category: "number",
  summary: "The number in the middle, also of lists; of two in the middle their mean.",
  parameters: [{ name: "value", type: "any", variadic: true, summary: "numbers or lists of numbers" }],
  returns: "decimal",
  examples: [
    { formula: "MEDIAN(9, 1, 3)", output: 3 },
    { formula: "MEDIAN([1, 2])", output: 1.5 },
    { formula: "MEDIAN([])", error: "no numbers" },
  ],
  apply: (values) => {
    const numbers = collectNumbers(values).sort(compareNumbers);
    if (numbers.length === 0) fail("empty", "there are no numbers to take the middle of", 0);
    const upper = numbers[Math.floor(numbers.length / 2)]!;
    return numbers.length % 2 === 1 ? upper : divide(add(upper, numbers[numbers.length / 2 - 1]!), 2);
  },
});
