import { defineFunction } from "../function.ts";
import { round } from "../number.ts";

export const int = defineFunction({
  name: "INT",
  category: "number",
  summary: "Rounds down to a whole number.",
  parameters: [{ name: "number", type: "number", summary: "number to round" }],
  returns: "integer",
  examples: [
    { formula: "INT(8.9)", output: 8 },
    { formula: "INT(-8.1)", output: -9 },
    { formula: "INT(NULL)", output: null },
  ],
  apply: ([number]) => round(number, 0, "floor"),
});
