import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { divide, isNegative, isZero, multiply, round } from "../number.ts";
import { describeValue } from "../value.ts";

export const floor = defineFunction({
  name: "FLOOR",
  category: "number",
  summary: "Rounds down to the next multiple.",
  parameters: [
    { name: "number", type: "number", summary: "number to round" },
    { name: "multiple", type: "number", optional: true, summary: "step to round to, default 1" },
  ],
  returns: "decimal",
  examples: [
    { formula: "FLOOR(4.29, 0.05)", output: 4.25 },
    { formula: "FLOOR(-2.5)", output: -3 },
    { formula: "FLOOR(5, -1)", error: "more than 0" },
  ],
  apply: ([number, multiple = 1]) => {
    if (isZero(multiple) || isNegative(multiple))
      fail("out_of_range", `expected a multiple of more than 0, found ${describeValue(multiple)}`, 1);
    return multiply(round(divide(number, multiple), 0, "floor"), multiple);
  },
});
