import { defineFunction } from "../function.ts";
import { toParts } from "../moment.ts";

export const year = defineFunction({
  name: "YEAR",
  category: "date",
  summary: "The year of a date.",
  parameters: [{ name: "date", type: "date", summary: "date, with or without time" }],
  returns: "integer",
  examples: [
    { formula: 'YEAR("2026-11-23")', output: 2026 },
    { formula: 'YEAR("2026-12-31T23:30:00Z")', output: 2027 },
    { formula: 'YEAR("23.11.2026")', error: "use PARSEDATE" },
  ],
  apply: ([moment], env) => toParts(moment, () => env.timeZone).year,
});
