import { defineFunction } from "../function.ts";
import { dayNumber, toParts } from "../moment.ts";

export const days = defineFunction({
  name: "DAYS",
  chain: null,
  category: "date",
  summary: "How many days lie between two dates; negative when the end is before the start.",
  parameters: [
    { name: "end", type: "date", summary: "later date" },
    { name: "start", type: "date", summary: "earlier date" },
  ],
  returns: "integer",
  examples: [
    { formula: 'DAYS("2026-12-24", "2026-11-23")', output: 31 },
    { formula: 'DAYS("2026-11-23", "2026-12-24")', output: -31 },
    { formula: 'DAYS("2026-11-23", NULL)', error: "found nothing" },
  ],
  apply: ([end, start], env) =>
    dayNumber(toParts(end, () => env.timeZone)) - dayNumber(toParts(start, () => env.timeZone)),
});
