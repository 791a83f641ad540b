import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { divide, isNegative, isZero, multiply, round } from "../number.ts";
import { describeValue } from "../value.ts";

export const ceiling = defineFunction({
  name: "CEILING",
  category: "number",
  summary: "Rounds up to the next multiple.",
  parameters: [
    { name: "number", type: "number", summary: "number to round" },
    { name: "multiple", type: "number", optional: true, summary: "step to round to, default 1" },
  ],
  returns: "decimal",
  examples: [
    { formula: "CEILING(4.21, 0.05)", output: 4.25 },
    { formula: "CEILING(-2.5)", output: -2 },
    { formula: "CEILING(5, 0)", error: "more than 0" },
  ],
  apply: ([number, multiple = 1]) => {
    if (isZero(multiple) || isNegative(multiple))
      fail("out_of_range", `expected a multiple of more than 0, found ${describeValue(multiple)}`, 1);
    return multiply(round(divide(number, multiple), 0, "ceiling"), multiple);
  },
});
