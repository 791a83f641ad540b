import { isoWeekday } from "../date-format.ts";
import { defineFunction } from "../function.ts";
import { dateOfDayNumber, dayNumber, toParts } from "../moment.ts";

export const isoWeekNum = defineFunction({
  name: "ISOWEEKNUM",
  chain: "isoWeek",
  category: "date",
  summary: "The number of the week (ISO 8601: weeks begin on Monday, week 1 holds the first Thursday).",
  parameters: [{ name: "date", type: "date", summary: "date, with or without time" }],
  returns: "integer",
  examples: [
    { formula: 'ISOWEEKNUM("2026-11-23")', output: 48 },
    { formula: 'ISOWEEKNUM("2027-01-01")', output: 53 },
    { formula: "ISOWEEKNUM(NULL)", output: null },
  ],
  apply: ([moment], env) => {
    const parts = toParts(moment, () => env.timeZone);
    const thursday = dayNumber(parts) - isoWeekday(parts) + 4;
    const { year } = dateOfDayNumber(thursday);
    return Math.floor((thursday - dayNumber({ year, month: 1, day: 1 })) / 7) + 1;
  },
});
