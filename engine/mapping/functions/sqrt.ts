import { defineFunction } from "../function.ts";
import { squareRoot } from "../number.ts";

export const sqrt = defineFunction({
  name: "SQRT",
  category: "number",
  summary: "Square root.",
  parameters: [{ name: "number", type: "number", summary: "number of 0 or more" }],
  returns: "decimal",
  examples: [
    { formula: "SQRT(2.25)", output: 1.5 },
    { formula: "SQRT(-1)", error: "0 or more" },
  ],
  apply: ([number]) => squareRoot(number),
});
