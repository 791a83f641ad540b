import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { exact } from "../number.ts";
import { describeValue } from "../value.ts";

export const log = defineFunction({
  name: "LOG",
  category: "number",
  summary: "Logarithm, to 15 digits.",
  parameters: [
    { name: "number", type: "number", summary: "number above 0" },
    { name: "base", type: "number", optional: true, summary: "default 10" },
  ],
  returns: "decimal",
  examples: [
    { formula: "LOG(1000)", output: 3 },
    { formula: "LOG(8, 2)", output: 3 },
    { formula: "LOG(0)", error: "above 0" },
  ],
  apply: ([number, base = 10]) => {
    const value = exact(number);
    const root = exact(base);
    if (value.lte(0)) fail("out_of_range", `expected a number above 0, found ${describeValue(number)}`, 0);
    if (root.lte(0) || root.eq(1))
      fail("out_of_range", `expected a base above 0 other than 1, found ${describeValue(base)}`, 1);
    return exact(exact(Math.log(value.toNumber()) / Math.log(root.toNumber())).toPrecision(15));
  },
});
