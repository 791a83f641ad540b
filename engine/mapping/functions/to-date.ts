import { defineFunction } from "../function.ts";
import { toParts, writeDate } from "../moment.ts";
import { zoneProblem } from "../time-zone.ts";

export const toDate = defineFunction({
  name: "DATEVALUE",
  aliases: ["TODATE"],
  chain: "date",
  chainAliases: ["toDate"],
  category: "date",
  summary: "The date of an ISO text or of a date with time, there in the given time zone. Other forms: PARSEDATE.",
  parameters: [
    { name: "value", type: "date", summary: "ISO date, with or without time" },
    { name: "timeZone", type: "text", optional: true, summary: "default: the time zone of the run" },
  ],
  returns: "date",
  check: ([, zone]) => zoneProblem(zone, 1),
  examples: [
    { formula: 'DATEVALUE("2026-11-23T23:30:00Z")', output: "2026-11-24" },
    { formula: 'DATEVALUE("2026-11-23T23:30:00Z", "UTC")', output: "2026-11-23" },
    { formula: 'DATEVALUE("23.11.2026")', error: "use PARSEDATE" },
    { formula: 'DATEVALUE("2026-02-30")', error: "does not exist" },
  ],
  apply: ([value, timeZone], env) => writeDate(toParts(value, () => timeZone ?? env.timeZone)),
});
