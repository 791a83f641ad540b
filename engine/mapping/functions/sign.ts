import { defineFunction } from "../function.ts";
import { compareNumbers } from "../number.ts";

export const sign = defineFunction({
  name: "SIGN",
  category: "number",
  summary: "1 for a positive number, -1 for a negative one, 0 for zero.",
  parameters: [{ name: "number", type: "number", summary: "any number" }],
  returns: "integer",
  examples: [
    { formula: "SIGN(-0.01)", output: -1 },
    { formula: "SIGN(0)", output: 0 },
  ],
  apply: ([number]) => compareNumbers(number, 0),
});
