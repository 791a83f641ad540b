import { defineFunction } from "../function.ts";
import { toParts } from "../moment.ts";

export const second = defineFunction({
  name: "SECOND",
  category: "date",
  summary: "The second of a date with time, 0 to 59.",
  parameters: [{ name: "date", type: "date", summary: "date with time" }],
  returns: "integer",
  examples: [
    { formula: 'SECOND("2026-07-01T10:30:15.250Z")', output: 15 },
    { formula: 'SECOND("2026-07-01")', output: 0 },
    { formula: "SECOND(NULL)", output: null },
  ],
  apply: ([moment], env) => toParts(moment, () => env.timeZone).second,
});
