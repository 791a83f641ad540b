import { defineFunction } from "../function.ts";
import { addMonths, daysInMonth, toParts, writeDate } from "../moment.ts";

export const eomonth = defineFunction({
  name: "EOMONTH",
  chain: "endOfMonth",
  category: "date",
  summary: "The last day of the month, some months later or earlier.",
  parameters: [
    { name: "date", type: "date", summary: "date, with or without time" },
    { name: "months", type: "integer", optional: true, summary: "how many months later, default 0" },
  ],
  returns: "date",
  examples: [
    { formula: 'EOMONTH("2028-01-15", 1)', output: "2028-02-29" },
    { formula: 'EOMONTH("2026-11-23")', output: "2026-11-30" },
    { formula: 'EOMONTH("2026-11-23", 200000)', error: "outside the years" },
  ],
  apply: ([moment, months = 0], env) => {
    const { year, month } = addMonths({ ...toParts(moment, () => env.timeZone), day: 1 }, months);
    return writeDate({ year, month, day: daysInMonth(year, month) });
  },
});
