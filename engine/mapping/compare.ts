import { fail } from "./error.ts";
import { looksLikeIso, parseIso, toInstant } from "./moment.ts";
import { compareNumbers } from "./number.ts";
import type { MappingEnv } from "./types.ts";
import { describeValue, isNumber, isRecord, type Value } from "./value.ts";
import { spend } from "./work.ts";

/**
 * `=` as in spreadsheets: texts without regard to case, nothing equals empty text, values of different types differ.
 * Two dates are equal when they mean the same moment, however they are written. Lists and records compare item by item.
 */
export function isEqual(a: Value, b: Value, env: MappingEnv): boolean {
  if (a === b) return true;
  if (typeof a === "string" && typeof b === "string") {
    if (a.length === b.length && a.toLowerCase() === b.toLowerCase()) return true;
    if (looksLikeIso(a) && looksLikeIso(b)) return compareIso(a, b, env) === 0;
    return a.toLowerCase() === b.toLowerCase();
  }
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b) === 0;
  if (a === null || b === null) return (a ?? b) === "";
  spend();
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isEqual(item, b[index]!, env));
  }
  if (isRecord(a) && isRecord(b)) {
    const names = Object.keys(a);
    return (
      names.length === Object.keys(b).length &&
      names.every((name) => Object.hasOwn(b, name) && isEqual(a[name] ?? null, b[name] ?? null, env))
    );
  }
  return false;
}

function compareIso(a: string, b: string, env: MappingEnv): number {
  const zone = () => env.timeZone;
  const left = parseIso(a, zone)!;
  const right = parseIso(b, zone)!;
  return toInstant(left, zone) - toInstant(right, zone);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Negative, 0 or positive. Numbers by size, texts by their lower-case letters, dates by time, FALSE before TRUE; types do not mix. */
export function compareValues(a: Value, b: Value, env: MappingEnv): number {
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b);
  if (typeof a === "string" && typeof b === "string") {
    if (looksLikeIso(a) && looksLikeIso(b))
      return a.length === 10 && b.length === 10 ? compareText(a, b) : compareIso(a, b, env);
    return compareText(a.toLowerCase(), b.toLowerCase());
  }
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a === null || b === null) {
    return fail(
      "empty",
      `cannot compare ${describeValue(a)} with ${describeValue(b)}; use IFEMPTY(…) or ISBLANK(…)`,
      a === null ? 0 : 1,
    );
  }
  const remedy =
    isNumber(a) !== isNumber(b) && (typeof a === "string" || typeof b === "string") ? "; use NUMBER(…)" : "";
  return fail("mismatch", `cannot compare ${describeValue(a)} with ${describeValue(b)}${remedy}`, 1);
}

/** A text that two values share exactly when they are equal as keys of a table or a group: case is ignored in texts. */
export function keyOf(value: Value): string {
  if (typeof value === "string") return `t${value.toLowerCase()}`;
  if (value === null) return "t";
  if (typeof value === "boolean") return value ? "b1" : "b0";
  if (isNumber(value)) return `n${value.toString()}`;
  spend();
  if (Array.isArray(value)) return `l${JSON.stringify(value.map(keyOf))}`;
  return `r${JSON.stringify(
    Object.keys(value)
      .sort()
      .map((name) => [name, keyOf(value[name] ?? null)]),
  )}`;
}
