import { defineFunction } from "../function.ts";
import { round } from "../number.ts";

export const roundDown = defineFunction({
  name: "ROUNDDOWN",
  aliases: ["TRUNC"],
  chain: "roundDown",
  category: "number",
  summary: "Rounds towards zero: cuts the digits off.",
  parameters: [
    { name: "number", type: "number", summary: "number to round" },
    { name: "digits", type: "integer", optional: true, summary: "digits after the point, default 0" },
  ],
  returns: "decimal",
  examples: [
    { formula: "ROUNDDOWN(2.999, 2)", output: 2.99 },
    { formula: "ROUNDDOWN(-1.9)", output: -1 },
    { formula: "ROUNDDOWN(1.5, 200)", error: "-100 to 100 digits" },
  ],
  apply: ([number, digits = 0]) => round(number, digits, "down"),
});
