import { defineFunction } from "../function.ts";
import { modulo } from "../number.ts";

export const mod = defineFunction({
  name: "MOD",
  category: "number",
  summary: "Remainder of a division; it has the sign of the divisor.",
  parameters: [
    { name: "number", type: "number", summary: "number to divide" },
    { name: "divisor", type: "number", summary: "number to divide by" },
  ],
  returns: "decimal",
  examples: [
    { formula: "MOD(7, 3)", output: 1 },
    { formula: "MOD(-7, 3)", output: 2 },
    { formula: "MOD(7, 0)", error: "division by zero" },
  ],
  apply: ([number, divisor]) => modulo(number, divisor),
});
