import { defineFunction } from "../function.ts";
import { toParts } from "../moment.ts";

export const month = defineFunction({
  name: "MONTH",
  category: "date",
  summary: "The month of a date, 1 to 12.",
  parameters: [{ name: "date", type: "date", summary: "date, with or without time" }],
  returns: "integer",
  examples: [
    { formula: 'MONTH("2026-11-23")', output: 11 },
    { formula: "MONTH(NULL)", output: null },
    { formula: 'MONTH("May")', error: "expected a date" },
  ],
  apply: ([moment], env) => toParts(moment, () => env.timeZone).month,
});
