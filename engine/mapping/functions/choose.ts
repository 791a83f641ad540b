import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { eitherType, NOTHING } from "../types.ts";

export const choose = defineFunction({
  name: "CHOOSE",
  chain: "choose",
  category: "logic",
  summary: "One of several values, by its number counted from 1.",
  parameters: [
    { name: "number", type: "integer", summary: "which one" },
    { name: "value", type: "any", variadic: true, summary: "values to choose from" },
  ],
  returns: ([, ...values]) => values.reduce(eitherType, NOTHING),
  examples: [
    { formula: 'CHOOSE(2, "low", "middle", "high")', output: "middle" },
    { formula: 'CHOOSE(4, "low", "middle", "high")', error: "from 1 to 3, found 4" },
  ],
  apply: ([number, ...values]) => {
    if (number < 1 || number > values.length)
      fail("out_of_range", `expected a number from 1 to ${values.length}, found ${number}`, 0);
    return values[number - 1]!;
  },
});
