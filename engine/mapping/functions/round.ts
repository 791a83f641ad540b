import { defineFunction } from "../function.ts";
import { round } from "../number.ts";

export const roundNumber = defineFunction({
  name: "ROUND",
  category: "number",
  summary: "Rounds to digits after the point; a half goes away from zero. Negative digits round to tens, hundreds, …",
  parameters: [
    { name: "number", type: "number", summary: "number to round" },
    { name: "digits", type: "integer", optional: true, summary: "digits after the point, default 0" },
  ],
  returns: ([, digits]) => ({ type: digits === undefined ? "integer" : "decimal", nullable: true }),
  examples: [
    { formula: "ROUND(2.675, 2)", output: 2.68 },
    { formula: "ROUND(-2.5)", output: -3 },
    { formula: "ROUND(1250, -2)", output: 1300 },
    { formula: 'ROUND("abc", 2)', error: "expects a number" },
  ],
  apply: ([number, digits = 0]) => round(number, digits),
});
