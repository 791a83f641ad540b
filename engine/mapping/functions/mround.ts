import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { divide, isNegative, isZero, multiply, round } from "../number.ts";
import { describeValue } from "../value.ts";

export const mround = defineFunction({
  name: "MROUND",
  chain: "roundTo",
  category: "number",
  summary: "Rounds to the nearest multiple; a half goes away from zero.",
  parameters: [
    { name: "number", type: "number", summary: "number to round" },
    { name: "multiple", type: "number", summary: "step to round to" },
  ],
  returns: "decimal",
  examples: [
    { formula: "MROUND(1.23, 0.05)", output: 1.25 },
    { formula: "MROUND(10, 4)", output: 12 },
    { formula: "MROUND(10, 0)", error: "more than 0" },
  ],
  apply: ([number, multiple]) => {
    if (isZero(multiple) || isNegative(multiple))
      fail("out_of_range", `expected a multiple of more than 0, found ${describeValue(multiple)}`, 1);
    return multiply(round(divide(number, multiple), 0), multiple);
  },
});
