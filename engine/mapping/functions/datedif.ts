import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { addMonths, dayNumber, toParts, writeDate } from "../moment.ts";
import { quote } from "../value.ts";

export const datedif = defineFunction({
  name: "DATEDIF",
  chain: "dateDif",
  category: "date",
  summary:
    'Whole years ("Y"), months ("M") or days ("D") between two dates; "YM" months without years, "MD" days without months, "YD" days without years.',
  parameters: [
    { name: "start", type: "date", summary: "earlier date" },
    { name: "end", type: "date", summary: "later date" },
    { name: "unit", type: "text", summary: "Y, M, D, YM, MD or YD", choices: ["Y", "M", "D", "YM", "MD", "YD"] },
  ],
  returns: "integer",
  examples: [
    { formula: 'DATEDIF("1990-12-01", "2026-11-23", "Y")', output: 35 },
    { formula: 'DATEDIF("2026-01-31", "2026-03-01", "M")', output: 1 },
    { formula: 'DATEDIF("2026-11-23", "2026-01-01", "D")', error: "is after the end" },
  ],
  apply: ([start, end, unit], env) => {
    const from = toParts(start, () => env.timeZone);
    const to = toParts(end, () => env.timeZone);
    const days = dayNumber(to) - dayNumber(from);
    if (days < 0) fail("out_of_range", `the start ${writeDate(from)} is after the end ${writeDate(to)}`, 0);
    const months = (to.year - from.year) * 12 + to.month - from.month - (to.day < from.day ? 1 : 0);
    const after = (count: number) =>
      dayNumber(to) - dayNumber(addMonths({ year: from.year, month: from.month, day: from.day }, count));
    switch (unit.toUpperCase()) {
      case "Y":
        return Math.floor(months / 12);
      case "M":
        return months;
      case "D":
        return days;
      case "YM":
        return months % 12;
      case "MD":
        return after(months);
      case "YD":
        return after(months - (months % 12));
      default:
        return fail("bad_value", `expected Y, M, D, YM, MD or YD, found ${quote(unit)}`, 2);
    }
  },
});
