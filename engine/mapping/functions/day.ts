import { defineFunction } from "../function.ts";
import { toParts } from "../moment.ts";

export const day = defineFunction({
  name: "DAY",
  category: "date",
  summary: "The day of the month of a date.",
  parameters: [{ name: "date", type: "date", summary: "date, with or without time" }],
  returns: "integer",
  examples: [
    { formula: 'DAY("2026-11-23")', output: 23 },
    { formula: 'DAY("2026-13-01")', error: "does not exist" },
  ],
  apply: ([moment], env) => toParts(moment, () => env.timeZone).day,
});
