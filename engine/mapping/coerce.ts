import { fail } from "./error.ts";
import { type Moment, parseIso } from "./moment.ts";
import { isWhole, numberToText } from "./number.ts";
import type { MappingEnv } from "./types.ts";
import { describeValue, isNumber, isRecord, type Num, type RecordValue, type Value } from "./value.ts";

/** Text of a single value; numbers and booleans have one, lists and records do not. */
export function toText(value: Value, argument?: number): string {
  if (typeof value === "string") return value;
  if (isNumber(value)) return numberToText(value);
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  return fail(value === null ? "empty" : "not_text", `expected text, found ${describeValue(value)}`, argument);
}

/** @param source how the value is written in the formula, for the remedy */
export function toNumber(value: Value, argument?: number, source = "…"): Num {
  if (isNumber(value)) return value;
  if (value === null)
    return fail("empty", `expected a number, found nothing; use IFEMPTY(${source}, 0) if empty means 0`, argument);
  const remedy = typeof value === "string" ? `; use NUMBER(${source}${value.includes(",") ? ', ","' : ""})` : "";
  return fail("not_a_number", `expected a number, found ${describeValue(value)}${remedy}`, argument);
}

export function toInteger(value: Value, argument?: number, source?: string): number {
  const number = toNumber(value, argument, source);
  const plain = typeof number === "number" ? number : number.toNumber();
  if (!isWhole(number) || !Number.isSafeInteger(plain)) {
    fail("not_an_integer", `expected a whole number, found ${describeValue(value)}`, argument);
  }
  return plain;
}

export function toBoolean(value: Value, argument?: number): boolean {
  if (typeof value === "boolean") return value;
  if (value === null) return fail("empty", "expected TRUE or FALSE, found nothing; use IFEMPTY(…, FALSE)", argument);
  const remedy = Array.isArray(value) ? "; use ANY, ALL or MAP for a list" : "; compare it, as in x > 0";
  return fail("not_a_boolean", `expected TRUE or FALSE, found ${describeValue(value)}${remedy}`, argument);
}

export function toMoment(value: Value, env: MappingEnv, argument?: number, source = "…"): Moment {
  if (typeof value === "string") {
    const moment = parseIso(value, () => env.timeZone);
    if (moment) return moment;
  }
  if (value === null) return fail("empty", "expected a date, found nothing", argument);
  return fail(
    "not_a_date",
    `expected a date such as 2026-11-23, found ${describeValue(value)}; use PARSEDATE(${source}, "dd.MM.yyyy") with its format`,
    argument,
  );
}

export function toList(value: Value, argument?: number): Value[] {
  if (Array.isArray(value)) return value;
  return fail(value === null ? "empty" : "not_a_list", `expected a list, found ${describeValue(value)}`, argument);
}

export function toRecord(value: Value, argument?: number): RecordValue {
  if (isRecord(value)) return value;
  return fail(value === null ? "empty" : "not_a_record", `expected a record, found ${describeValue(value)}`, argument);
}
