import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { compareNumbers } from "../number.ts";
import { describeValue } from "../value.ts";

export const clamp = defineFunction({
  name: "CLAMP",
  category: "number",
  summary: "Keeps a number between two limits.",
  parameters: [
    { name: "number", type: "number", summary: "any number" },
    { name: "least", type: "number", summary: "smallest result" },
    { name: "most", type: "number", summary: "largest result" },
  ],
  returns: "decimal",
  examples: [
    { formula: "CLAMP(120, 0, 100)", output: 100 },
    { formula: "CLAMP(-0.5, 0, 100)", output: 0 },
    { formula: "CLAMP(5, 10, 0)", error: "above the largest" },
  ],
  apply: ([number, least, most]) => {
    if (compareNumbers(least, most) > 0)
      fail(
        "out_of_range",
        `the smallest result ${describeValue(least)} is above the largest ${describeValue(most)}`,
        1,
      );
    return compareNumbers(number, least) < 0 ? least : compareNumbers(number, most) > 0 ? most : number;
  },
});
