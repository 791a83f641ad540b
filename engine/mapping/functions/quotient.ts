import { defineFunction } from "../function.ts";
import { divide, exact, isZero, round, subtract } from "../number.ts";

export const quotient = defineFunction({
  name: "QUOTIENT",
  category: "number",
  summary: "Whole part of a division.",
  parameters: [
    { name: "number", type: "number", summary: "number to divide" },
    { name: "divisor", type: "number", summary: "number to divide by" },
  ],
  returns: "integer",
  examples: [
    { formula: "QUOTIENT(17, 5)", output: 3 },
    { formula: "QUOTIENT(-17, 5)", output: -3 },
    { formula: "QUOTIENT(1, 0)", error: "division by zero" },
  ],
  apply: ([number, divisor]) =>
    round(divide(subtract(number, exact(isZero(divisor) ? 0 : exact(number).mod(exact(divisor)))), divisor), 0, "down"),
});
