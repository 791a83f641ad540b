import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { isWhole, isZero, modulo } from "../number.ts";
import { describeValue } from "../value.ts";

export const isEven = defineFunction({
  name: "ISEVEN",
  chain: "isEven",
  category: "number",
  summary: "Whether a whole number can be divided by two.",
  parameters: [{ name: "number", type: "number", summary: "whole number" }],
  returns: "boolean",
  examples: [
    { formula: "ISEVEN(4)", output: true },
    { formula: "ISEVEN(1.5)", error: "whole number" },
  ],
  apply: ([number]) => {
    if (!isWhole(number)) fail("not_an_integer", `expected a whole number, found ${describeValue(number)}`, 0);
    return isZero(modulo(number, 2));
  },
});
