import { defineFunction } from "../function.ts";
import { round } from "../number.ts";

export const roundUp = defineFunction({
  name: "ROUNDUP",
  chain: "roundUp",
  category: "number",
  summary: "Rounds away from zero.",
  parameters: [
    { name: "number", type: "number", summary: "number to round" },
    { name: "digits", type: "integer", optional: true, summary: "digits after the point, default 0" },
  ],
  returns: "decimal",
  examples: [
    { formula: "ROUNDUP(2.001, 2)", output: 2.01 },
    { formula: "ROUNDUP(-1.1)", output: -2 },
    { formula: "ROUNDUP(NULL)", output: null },
  ],
  apply: ([number, digits = 0]) => round(number, digits, "up"),
});
