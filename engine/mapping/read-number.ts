import { fail } from "./error.ts";
import { parseNumeric } from "./number.ts";
import { type Num, quote } from "./value.ts";

const GROUPED: { [separator: string]: RegExp } = {
  ".": /^[+-]?\d{1,3}(?:\.\d{3})+(?=,|$)/,
  ",": /^[+-]?\d{1,3}(?:,\d{3})+(?=\.|$)/,
  " ": /^[+-]?\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?=[.,]|$)/,
  "'": /^[+-]?\d{1,3}(?:['’]\d{3})+(?=[.,]|$)/,
};

/**
 * The number a text means, strictly: only digits, a sign, the decimal separator, and groups of exactly three digits.
 *
 * @param decimal "." or ","; undefined means a point and no groups at all, as "12,50" could mean two numbers
 * @param group separator of thousands; default: the other one of point and comma
 */
export function readNumber(text: string, decimal: string | undefined, group: string | undefined): Num {
  let digits = text.trim();
  if (decimal !== undefined) {
    const separator = group ?? (decimal === "," ? "." : ",");
    const head = digits.length < 5 ? undefined : GROUPED[separator]?.exec(digits)?.[0];
    if (head) digits = head.replace(/[.,'’\s\u00a0\u202f]/g, "") + digits.slice(head.length);
    if (decimal === ",") digits = digits.includes(".") ? "x" : digits.replace(",", ".");
  }
  const number = digits.endsWith(".") ? undefined : parseNumeric(digits);
  if (number !== undefined) return number;
  return fail(
    "not_a_number",
    `expected a number${decimal ? ` with ${quote(decimal)} as decimal separator` : ""}, found text ${quote(text)}${remedy(text, decimal)}`,
    0,
  );
}

function remedy(text: string, decimal: string | undefined): string {
  if (text.trim() === "") return "; use IFEMPTY first if empty means 0";
  if (decimal === undefined && /^[+-]?[\d.\s]*\d,\d+$/.test(text.trim()))
    return '; say which separator it has: NUMBER(…, ",")';
  if (decimal === undefined && /^[+-]?\d[\d,]*\.\d+$/.test(text.trim()))
    return '; say which separator it has: NUMBER(…, ".")';
  if (/[€$£¥]|[A-Z]{3}/.test(text)) return "; remove the currency first, with REGEXEXTRACT or SUBSTITUTE";
  return "";
}
