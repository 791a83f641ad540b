import { dateFormat, writeFormatted } from "../date-format.ts";
import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { toParts, zoneOffsetMs } from "../moment.ts";
import { zoneProblem } from "../time-zone.ts";

export const formatDate = defineFunction({
  name: "FORMATDATE",
  chain: "formatDate",
  category: "date",
  summary: "Writes a date as text in a format.",
  parameters: [
    { name: "date", type: "date", summary: "date, with or without time" },
    {
      name: "format",
      type: "text",
      summary: 'such as "dd.MM.yyyy HH:mm"',
      choices: ["dd.MM.yyyy", "MM/dd/yyyy", "yyyyMMdd", "d MMMM yyyy", "dd.MM.yyyy HH:mm"],
    },
    { name: "timeZone", type: "text", optional: true, summary: "default: the time zone of the run" },
  ],
  returns: "text",
  check: ([, format, zone]) => {
    const compiled = typeof format === "string" ? dateFormat(format) : undefined;
    return typeof compiled === "string" ? { argument: 1, message: compiled } : zoneProblem(zone, 2);
  },
  examples: [
    { formula: 'FORMATDATE("2026-11-23", "d MMMM yyyy")', output: "23 November 2026" },
    { formula: 'FORMATDATE("2026-07-01T10:00:00Z", "dd.MM.yyyy HH:mm ZZ")', output: "01.07.2026 12:00 +02:00" },
    { formula: 'FORMATDATE("2026-11-23", "qq")', error: "expected a date format" },
  ],
  apply: ([moment, format, given], env) => {
    const timeZone = given ?? env.timeZone;
    const compiled = dateFormat(format);
    if (typeof compiled === "string") return fail("bad_format", compiled, 1);
    const offset = moment.kind === "datetime" ? zoneOffsetMs(moment.ms, timeZone) : 0;
    return writeFormatted(
      toParts(moment, () => timeZone),
      offset,
      compiled,
    );
  },
});
