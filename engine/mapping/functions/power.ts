import { defineFunction } from "../function.ts";
import { power } from "../number.ts";

export const powerOf = defineFunction({
  name: "POWER",
  category: "number",
  summary: "A number raised to a power.",
  parameters: [
    { name: "number", type: "number", summary: "base" },
    { name: "exponent", type: "number", summary: "power, -1000 to 1000" },
  ],
  returns: "decimal",
  examples: [
    { formula: "POWER(1.1, 3)", output: 1.331 },
    { formula: "POWER(2, -2)", output: 0.25 },
    { formula: "POWER(0, -1)", error: "negative power" },
    { formula: "POWER(9, 999)", error: "more than 300 digits" },
  ],
  apply: ([number, exponent]) => power(number, exponent),
});
