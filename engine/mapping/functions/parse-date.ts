import { toText } from "../coerce.ts";
import { type DateFormat, dateFormat, readDate } from "../date-format.ts";
import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { localToInstant, partsAsUtc, writeDate, writeInstant } from "../moment.ts";
import { zoneProblem } from "../time-zone.ts";
import { describeValue, quote, type Value } from "../value.ts";

const formatsOf = (given: Value): string[] =>
  (Array.isArray(given) ? given : [given]).map((format) => toText(format, 1));

const parsed = new WeakMap<Value[], DateFormat[]>();

function compiledFormats(given: Value): DateFormat[] {
  const known = Array.isArray(given) ? parsed.get(given) : undefined;
  if (known) return known;
  const formats = formatsOf(given).map((format) => {
    const compiled = dateFormat(format);
    return typeof compiled === "string" ? fail("bad_format", compiled, 1) : compiled;
  });
  if (formats.length === 0) fail("bad_format", "expected at least one date format, found an empty list", 1);
  if (Array.isArray(given)) parsed.set(given, formats);
  return formats;
}

/** Formats with hours give dates with time. */
function resultType(given: Value | undefined): "date" | "datetime" | "any" {
  if (given === undefined || given === null) return "any";
  const timed = formatsOf(given).map((format) => {
    const compiled = dateFormat(format);
    return typeof compiled !== "string" && compiled.hasTime;
  });
  return timed.every(Boolean) ? "datetime" : timed.some(Boolean) ? "any" : "date";
}

export const parseDate = defineFunction({
  name: "PARSEDATE",
  chain: "parseDate",
  category: "date",
  summary:
    "Reads a date from text in a given format, or in the first that fits of several. A format with hours gives a date with time.",
  parameters: [
    { name: "text", type: "text", summary: "text to read" },
    {
      name: "format",
      type: "any",
      empty: "error",
      summary: 'such as "dd.MM.yyyy", or a list of formats',
      choices: ["yyyy-MM-dd", "dd.MM.yyyy", "MM/dd/yyyy", "dd/MM/yyyy"],
    },
    {
      name: "timeZone",
      type: "text",
      optional: true,
      summary: "of times without an offset; default: the time zone of the run",
    },
  ],
  returns: ([text], [, format]) => ({ type: resultType(format), nullable: text?.nullable !== false }),
  check: ([, format, zone]) => {
    if (format === undefined || format === null) return zoneProblem(zone, 2);
    const wrong = formatsOf(format)
      .map(dateFormat)
      .find((compiled) => typeof compiled === "string");
    return typeof wrong === "string" ? { argument: 1, message: wrong } : zoneProblem(zone, 2);
  },
  examples: [
    { formula: 'PARSEDATE("23.11.2026", "dd.MM.yyyy")', output: "2026-11-23" },
    { formula: 'PARSEDATE("11/23/2026", ["yyyy-MM-dd", "dd.MM.yyyy", "MM/dd/yyyy"])', output: "2026-11-23" },
    { formula: 'PARSEDATE("23.11.2026 10:30", "dd.MM.yyyy HH:mm")', output: "2026-11-23T09:30:00.000Z" },
    { formula: 'PARSEDATE("31.02.2026", "dd.MM.yyyy")', error: "does not exist" },
    { formula: 'PARSEDATE("soon", "dd.MM.yyyy")', error: "expected a date like dd.MM.yyyy" },
    { formula: 'PARSEDATE(NULL, "dd.MM.yyyy")', output: null },
  ],
  apply: ([text, given, timeZone], env) => {
    const formats = compiledFormats(given);
    const trimmed = text.trim();
    let impossible = false;
    for (const format of formats) {
      const found = readDate(trimmed, format);
      if (found === "impossible") impossible = true;
      else if (found) {
        if (!format.hasTime) return writeDate(found);
        return writeInstant(
          found.offset === undefined
            ? localToInstant(found, timeZone ?? env.timeZone)
            : partsAsUtc(found) - found.offset,
        );
      }
    }
    if (impossible) fail("not_a_date", `the day or time ${quote(text)} does not exist`, 0);
    return fail("not_a_date", `expected a date like ${formatsOf(given).join(" or ")}, found ${describeValue(text)}`, 0);
  },
});
