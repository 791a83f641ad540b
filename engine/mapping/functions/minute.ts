import { defineFunction } from "../function.ts";
import { toParts } from "../moment.ts";

export const minute = defineFunction({
  name: "MINUTE",
  category: "date",
  summary: "The minute of a date with time, 0 to 59.",
  parameters: [{ name: "date", type: "date", summary: "date with time" }],
  returns: "integer",
  examples: [
    { formula: 'MINUTE("2026-07-01T10:30:00Z")', output: 30 },
    { formula: 'MINUTE("10:30")', error: "expected a date" },
  ],
  apply: ([moment], env) => toParts(moment, () => env.timeZone).minute,
});
