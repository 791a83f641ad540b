/** Dates and times for PostgreSQL, from ISO 8601 text: exact, or refused. */
import { quote } from "../sdk/errors.ts";
import type { Json } from "../sdk/types.ts";
import { Refusal } from "./refusal.ts";

const moment = /^(\d{4,6}-\d\d-\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?( ?Z|[+-]\d\d(?::?\d\d)?)?)?( BC)?$/i;
const clock = /^(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(Z|[+-]\d\d(?::?\d\d)?)?$/i;
const forever = /^-?infinity$/;

/** Is `YYYY-MM-DD` (which the pattern has seen to) a day of the calendar? */
function isDay(text: string): boolean {
  const end = text.length;
  const month = two(text, end - 5);
  const day = two(text, end - 2);
  if (month < 1 || month > 12 || day < 1) return false;
  if (day <= 28) return !text.startsWith("0000");
  const year = Number(text.slice(0, end - 6));
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return year > 0 && day <= (month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31);
}

const two = (text: string, at: number) => (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;

const isClock = (hours: string, minutes: string, seconds: string | undefined) =>
  Number(hours) < 24 && Number(minutes) < 60 && Number(seconds ?? 0) < 60;

/** Digits beyond what the column keeps. */
const tooFine = (fraction: string | undefined, digits: number) => /[1-9]/.test((fraction ?? "").slice(digits));

export function dateText(value: NonNullable<Json>): string | Refusal {
  if (typeof value === "string") {
    if (forever.test(value)) return value;
    const found = moment.exec(value);
    if (found && isDay(found[1]!)) {
      if (/[1-9]/.test(`${found[2] ?? ""}${found[3] ?? ""}${found[4] ?? ""}${found[5] ?? ""}`))
        return new Refusal(`a date holds no time of day, found ${quote(value)}. Take the date of it in the mapping`);
      return found[1]! + (found[7] ?? "");
    }
  }
  return new Refusal(`expected a date such as 2026-11-23, found ${quote(value)}`);
}

/**
 * A moment. `timestamptz` takes text without a zone as UTC; `timestamp` stores the UTC time of text with a zone, so that
 * nothing depends on the time zone of a server.
 */
export function datetimeText(type: "timestamp" | "timestamptz", digits: number) {
  return (value: NonNullable<Json>): string | Refusal => {
    if (typeof value === "string") {
      if (forever.test(value)) return value;
      const found = moment.exec(value);
      if (found && isDay(found[1]!) && isClock(found[2] ?? "00", found[3] ?? "00", found[4])) {
        if (tooFine(found[5], digits))
          return new Refusal(
            `the column keeps ${digits} digits of a second, found ${quote(value)}. Round it in the mapping`,
          );
        const zone = found[6]?.trim().toUpperCase();
        const end = type === "timestamptz" ? "+00" : "";
        if (zone === undefined || zone === "Z") return printed(found) + end + (found[7] ?? "");
        if (type === "timestamptz" && (found[7] || found[1]!.length > 10)) return value;
        const utc = inUtc(value, found, zone);
        return utc instanceof Refusal ? utc : utc + end;
      }
    }
    return new Refusal(`expected a date and time such as 2026-11-23T10:00:00Z, found ${quote(value)}`);
  };
}

/** As the server prints it. */
function printed([, day, hours = "00", minutes = "00", seconds = "00", fraction]: RegExpExecArray): string {
  const digits = fraction?.replace(/0+$/, "");
  return `${day} ${hours}:${minutes}:${seconds}${digits ? `.${digits}` : ""}`;
}

function inUtc(value: string, found: RegExpExecArray, zone: string): string | Refusal {
  const [, day, hours, minutes, seconds = "00", fraction, , bc] = found;
  if (bc || day!.length > 10) return new Refusal(`expected a time in UTC for so distant a date, found ${quote(value)}`);
  const sign = zone[0] === "-" ? 1 : -1;
  const parts = /^[+-](\d\d):?(\d\d)?$/.exec(zone)!;
  const offset = sign * (Number(parts[1]) * 60 + Number(parts[2] ?? 0)) * 60_000;
  const utc = new Date(Date.parse(`${day}T${hours}:${minutes}:${seconds}Z`) + offset).toISOString();
  const digits = fraction?.replace(/0+$/, "");
  return `${utc.slice(0, 10)} ${utc.slice(11, 19)}${digits ? `.${digits}` : ""}`;
}

export function timeText(digits: number, zoned: boolean) {
  return (value: NonNullable<Json>): string | Refusal => {
    const found = typeof value === "string" ? clock.exec(value) : null;
    if (!found || !(isClock(found[1]!, found[2]!, found[3]) || /^24:00(:00(\.0+)?)?$/.test(found[0])))
      return new Refusal(`expected a time of day such as 10:30:00, found ${quote(value)}`);
    if (tooFine(found[4], digits))
      return new Refusal(
        `the column keeps ${digits} digits of a second, found ${quote(value)}. Round it in the mapping`,
      );
    if (found[5] && !zoned) return new Refusal(`the column holds no time zone, found ${quote(value)}`);
    return zoned && !found[5] ? `${found[0]}Z` : found[0];
  };
}
