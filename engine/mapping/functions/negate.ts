import { defineFunction } from "../function.ts";
import { negate } from "../number.ts";

export const negateNumber = defineFunction({
  name: "NEGATE",
  category: "number",
  summary: "The number with the other sign.",
  parameters: [{ name: "number", type: "number", summary: "any number" }],
  returns: "decimal",
  examples: [
    { formula: "NEGATE(12.50)", output: -12.5 },
    { formula: "NEGATE(0)", output: 0 },
    { formula: "NEGATE(NULL)", output: null },
  ],
  apply: ([number]) => negate(number),
});
