import { defineFunction } from "../function.ts";
import { dateOfDayNumber, dayNumber, localToInstant, toParts, writeDate, writeInstant } from "../moment.ts";

export const addDays = defineFunction({
  name: "ADDDAYS",
  chain: "addDays",
  category: "date",
  summary: "A date some days later or earlier; a time on the clock stays.",
  parameters: [
    { name: "date", type: "date", summary: "date, with or without time" },
    { name: "days", type: "integer", summary: "how many, negative for earlier" },
  ],
  returns: ([moment]) => ({
    type: moment?.type === "date" || moment?.type === "datetime" ? moment.type : "any",
    nullable: moment?.nullable !== false,
  }),
  examples: [
    { formula: 'ADDDAYS("2026-11-23", 14)', output: "2026-12-07" },
    { formula: "ADDDAYS(NULL, 14)", output: null },
    { formula: 'ADDDAYS("2026-11-23", "14")', error: "expects a whole number" },
  ],
  apply: ([moment, days], env) => {
    const parts = toParts(moment, () => env.timeZone);
    const moved = { ...parts, ...dateOfDayNumber(dayNumber(parts) + days) };
    return moment.kind === "date" ? writeDate(moved) : writeInstant(localToInstant(moved, env.timeZone));
  },
});
