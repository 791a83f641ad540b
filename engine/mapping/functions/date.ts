import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { isCalendarDate, writeDate } from "../moment.ts";

export const date = defineFunction({
  name: "DATE",
  chain: null,
  category: "date",
  summary: "A date from year, month and day; a day that does not exist is a reason.",
  parameters: [
    { name: "year", type: "integer", summary: "four digits" },
    { name: "month", type: "integer", summary: "1 to 12" },
    { name: "day", type: "integer", summary: "1 to 31" },
  ],
  returns: "date",
  examples: [
    { formula: "DATE(2026, 11, 23)", output: "2026-11-23" },
    { formula: "DATE(2026, 2, 29)", error: "does not exist" },
    { formula: "DATE(26, 2, 1)", error: "four digits" },
  ],
  apply: ([year, month, day]) => {
    if (year < 1000 || year > 9999) fail("out_of_range", `expected a year of four digits, found ${year}`, 0);
    if (!isCalendarDate(year, month, day)) fail("not_a_date", `the day ${year}-${month}-${day} does not exist`, 2);
    return writeDate({ year, month, day });
  },
});
