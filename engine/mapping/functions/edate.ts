import { defineFunction } from "../function.ts";
import { addMonths, toParts, writeDate } from "../moment.ts";

export const edate = defineFunction({
  name: "EDATE",
  chain: "addMonths",
  category: "date",
  summary: "The same day some months later or earlier; the last of the month where that day is missing.",
  parameters: [
    { name: "date", type: "date", summary: "date, with or without time" },
    { name: "months", type: "integer", summary: "how many, negative for earlier" },
  ],
  returns: "date",
  examples: [
    { formula: 'EDATE("2026-01-31", 1)', output: "2026-02-28" },
    { formula: 'EDATE("2026-11-23", -12)', output: "2025-11-23" },
    { formula: 'EDATE("2026-11-23", 1.5)', error: "whole number" },
  ],
  apply: ([moment, months], env) =>
    writeDate(
      addMonths(
        toParts(moment, () => env.timeZone),
        months,
      ),
    ),
});
