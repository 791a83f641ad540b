import { defineFunction } from "../function.ts";
import { toParts } from "../moment.ts";

export const quarter = defineFunction({
  name: "QUARTER",
  category: "date",
  summary: "The quarter of a date, 1 to 4.",
  parameters: [{ name: "date", type: "date", summary: "date, with or without time" }],
  returns: "integer",
  examples: [
    { formula: 'QUARTER("2026-11-23")', output: 4 },
    { formula: "QUARTER(NULL)", output: null },
  ],
  apply: ([moment], env) => Math.ceil(toParts(moment, () => env.timeZone).month / 3),
});
