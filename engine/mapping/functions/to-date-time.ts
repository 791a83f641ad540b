import { defineFunction } from "../function.ts";
import { toInstant, writeInstant } from "../moment.ts";
import { zoneProblem } from "../time-zone.ts";

export const toDateTime = defineFunction({
  name: "DATETIME",
  aliases: ["TODATETIME"],
  chain: "dateTime",
  chainAliases: ["toDateTime"],
  category: "date",
  summary: "A date with time in UTC from an ISO text; a date without time is its midnight in the time zone.",
  parameters: [
    { name: "value", type: "date", summary: "ISO date, with or without time" },
    { name: "timeZone", type: "text", optional: true, summary: "default: the time zone of the run" },
  ],
  returns: "datetime",
  check: ([, zone]) => zoneProblem(zone, 1),
  examples: [
    { formula: 'DATETIME("2026-11-23")', output: "2026-11-22T23:00:00.000Z" },
    { formula: 'DATETIME("2026-11-23T10:00:00+02:00")', output: "2026-11-23T08:00:00.000Z" },
    { formula: 'DATETIME("2026-07-01", "UTC")', output: "2026-07-01T00:00:00.000Z" },
    { formula: 'DATETIME("noon")', error: "expected a date" },
  ],
  apply: ([value, timeZone], env) => writeInstant(toInstant(value, () => timeZone ?? env.timeZone)),
});
