import { isoWeekday } from "../date-format.ts";
import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { toParts } from "../moment.ts";

export const weekday = defineFunction({
  name: "WEEKDAY",
  category: "date",
  summary:
    "The day of the week as a number: 1 = Sunday as in spreadsheets; with 2 as second argument 1 = Monday, with 3 0 = Monday.",
  parameters: [
    { name: "date", type: "date", summary: "date, with or without time" },
    { name: "type", type: "integer", optional: true, summary: "1, 2 or 3, default 1" },
  ],
  returns: "integer",
  examples: [
    { formula: 'WEEKDAY("2026-11-23")', output: 2 },
    { formula: 'WEEKDAY("2026-11-23", 2)', output: 1 },
    { formula: 'WEEKDAY("2026-11-23", 7)', error: "expected 1, 2 or 3" },
  ],
  apply: ([moment, type = 1], env) => {
    const monday = isoWeekday(toParts(moment, () => env.timeZone));
    if (type === 1) return (monday % 7) + 1;
    if (type === 2) return monday;
    return type === 3 ? monday - 1 : fail("out_of_range", `expected 1, 2 or 3, found ${type}`, 1);
  },
});
