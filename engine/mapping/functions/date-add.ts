import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import {
  addMonths,
  dateOfDayNumber,
  dayNumber,
  localToInstant,
  toInstant,
  toParts,
  writeDate,
  writeInstant,
} from "../moment.ts";
import type { Type } from "../types.ts";
import { quote } from "../value.ts";

const UNITS = ["day", "week", "month", "year", "hour", "minute", "second"];
const MILLISECONDS: { [unit: string]: number } = { hour: 3_600_000, minute: 60_000, second: 1000 };

export const dateAdd = defineFunction({
  name: "DATEADD",
  chain: "dateAdd",
  category: "date",
  summary:
    "A date so many units later; days, weeks, months and years keep the time on the clock, also over a change of the clocks.",
  parameters: [
    { name: "date", type: "date", summary: "date, with or without time" },
    { name: "count", type: "integer", summary: "how many, negative for earlier" },
    { name: "unit", type: "text", summary: "day, week, month, year, hour, minute or second", choices: UNITS },
  ],
  returns: ([moment], [, , unit]) => ({
    type: typeof unit === "string" && singular(unit) in MILLISECONDS ? "datetime" : dateType(moment),
    nullable: moment?.nullable !== false,
  }),
  check: ([, , unit]) =>
    typeof unit === "string" && !UNITS.includes(singular(unit))
      ? { argument: 2, message: unitMessage(unit) }
      : undefined,
  examples: [
    { formula: 'DATEADD("2026-11-23", 2, "week")', output: "2026-12-07" },
    { formula: 'DATEADD("2026-03-28T09:00:00Z", 1, "day")', output: "2026-03-29T08:00:00.000Z" },
    { formula: 'DATEADD("2026-03-28T09:00:00Z", 24, "hour")', output: "2026-03-29T09:00:00.000Z" },
    { formula: 'DATEADD("2026-11-23", 1, "fortnight")', error: "expected day, week" },
  ],
  apply: ([moment, count, given], env) => {
    const unit = singular(given);
    if (!UNITS.includes(unit)) fail("bad_value", unitMessage(given), 2);
    const zone = () => env.timeZone;
    const step = MILLISECONDS[unit];
    if (step !== undefined) return writeInstant(toInstant(moment, zone) + count * step);
    const parts = toParts(moment, zone);
    const days = unit === "day" ? count : count * 7;
    const moved =
      unit === "month" || unit === "year"
        ? addMonths(parts, unit === "year" ? count * 12 : count)
        : { ...parts, ...dateOfDayNumber(dayNumber(parts) + days) };
    return moment.kind === "date" ? writeDate(moved) : writeInstant(localToInstant(moved, env.timeZone));
  },
});

function dateType(type: Type | undefined): "date" | "datetime" | "any" {
  return type?.type === "date" || type?.type === "datetime" ? type.type : "any";
}

function singular(unit: string): string {
  return unit.toLowerCase().replace(/s$/, "");
}

function unitMessage(unit: string): string {
  return `expected ${UNITS.slice(0, -1).join(", ")} or second, found ${quote(unit)}`;
}
