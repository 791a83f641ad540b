import { defineFunction } from "../function.ts";
import { toParts } from "../moment.ts";

export const hour = defineFunction({
  name: "HOUR",
  category: "date",
  summary: "The hour of a date with time, 0 to 23, in the time zone of the run.",
  parameters: [{ name: "date", type: "date", summary: "date with time" }],
  returns: "integer",
  examples: [
    { formula: 'HOUR("2026-07-01T10:30:00Z")', output: 12 },
    { formula: 'HOUR("2026-11-23T10:30:00Z")', output: 11 },
    { formula: "HOUR(NULL)", output: null },
  ],
  apply: ([moment], env) => toParts(moment, () => env.timeZone).hour,
});
