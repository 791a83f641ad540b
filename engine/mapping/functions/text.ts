import { toMoment, toNumber, toText } from "../coerce.ts";
import { dateFormat, writeFormatted } from "../date-format.ts";
import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { toParts, zoneOffsetMs } from "../moment.ts";
import { numberFormat, writeNumber } from "../number-format.ts";
import { isNumber, quote } from "../value.ts";

const isForNumbers = (format: string) => /[#0]/.test(format);

export const text = defineFunction({
  name: "TEXT",
  category: "text",
  summary: "Writes a number or a date as text, with a format as in spreadsheets; without one in its plain form.",
  parameters: [
    { name: "value", type: "any", empty: "propagate", summary: "number, date, text or TRUE/FALSE" },
    { name: "format", type: "text", optional: true, summary: 'such as "0.00", "#,##0.00", "dd.mm.yyyy"' },
    {
      name: "decimal",
      type: "text",
      optional: true,
      summary: 'decimal separator to write, "." or ","',
      choices: [".", ","],
    },
  ],
  returns: "text",
  check: ([, format]) => {
    if (typeof format !== "string") return undefined;
    const problem = isForNumbers(format) ? numberFormat(format) : dateFormat(format);
    return typeof problem === "string" ? { argument: 1, message: problem } : undefined;
  },
  examples: [
    { formula: 'TEXT(1234.5, "#,##0.00")', output: "1,234.50" },
    { formula: 'TEXT(1234.5, "#,##0.00", ",")', output: "1.234,50" },
    { formula: 'TEXT(DATE(2026, 11, 23), "dd.mm.yyyy")', output: "23.11.2026" },
    { formula: "TEXT(12.50)", output: "12.5" },
    { formula: 'TEXT("abc", "0.00")', error: "expected a number" },
  ],
  apply: ([value, format, decimal = "."], env) => {
    if (format === undefined) return toText(value, 0);
    if (decimal !== "." && decimal !== ",")
      fail("bad_value", `expected "." or "," as decimal separator, found ${quote(decimal)}`, 2);
    if (isNumber(value) || isForNumbers(format)) {
      const parsed = numberFormat(format);
      return typeof parsed === "string"
        ? fail("bad_format", parsed, 1)
        : writeNumber(toNumber(value, 0), parsed, decimal);
    }
    const parsed = dateFormat(format);
    if (typeof parsed === "string") return fail("bad_format", parsed, 1);
    const moment = toMoment(value, env, 0);
    const offset = moment.kind === "datetime" ? zoneOffsetMs(moment.ms, env.timeZone) : 0;
    return writeFormatted(
      toParts(moment, () => env.timeZone),
      offset,
      parsed,
    );
  },
});
