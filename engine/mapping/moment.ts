import { DateTime, IANAZone } from "luxon";
import { fail } from "./error.ts";
import { quote } from "./value.ts";

/**
 * A date as people write it, or an instant. Formulas hold both as ISO text (`2026-11-23`, `2026-11-23T10:00:00.000Z`);
 * this is what date functions compute with.
 */
export type Moment = CalendarDate | Instant;
export interface CalendarDate {
  kind: "date";
  year: number;
  month: number;
  day: number;
}
export interface Instant {
  kind: "datetime";
  /** milliseconds since 1970-01-01T00:00:00Z */
  ms: number;
}

/** What a clock and a calendar on the wall show. */
export interface Parts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  ms: number;
}

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)?)?$/;
const DAY_MS = 86_400_000;

export function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

export function isCalendarDate(year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month) && year >= 1;
}

/** Whether a text has the form of an ISO date or date with time; says nothing about whether the day exists. */
export function looksLikeIso(text: string): boolean {
  return text.length >= 10 && text.charCodeAt(4) === 45 && text.charCodeAt(7) === 45 && ISO.test(text);
}

/**
 * Reads an ISO date or date with time. Without an offset a time means the given zone.
 *
 * @param timeZone asked only when needed, so that a formula of constants does not depend on it
 * @returns undefined for any other text; a day or time that does not exist is a reason
 */
export function parseIso(text: string, timeZone: () => string): Moment | undefined {
  const match = ISO.exec(text);
  if (!match) return undefined;
  const year = Number(match[1]);
  const month = Number(match[2]);
  const day = Number(match[3]);
  if (!isCalendarDate(year, month, day)) fail("not_a_date", `the day ${quote(text)} does not exist`, 0);
  if (match[4] === undefined) return { kind: "date", year, month, day };
  const [hour, minute, second] = [Number(match[4]), Number(match[5]), Number(match[6] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59) fail("not_a_date", `the time in ${quote(text)} does not exist`, 0);
  const ms = match[7] ? Math.floor(Number(`0.${match[7]}`) * 1000) : 0;
  const parts = { year, month, day, hour, minute, second, ms };
  const offset = match[8];
  if (offset === undefined) return { kind: "datetime", ms: localToInstant(parts, timeZone()) };
  return { kind: "datetime", ms: partsAsUtc(parts) - offsetMs(offset) };
}

/** `Z`, `+02`, `+0200` or `+02:00` in milliseconds east of Greenwich. */
export function offsetMs(offset: string): number {
  if (offset === "Z" || offset === "z") return 0;
  const digits = offset.slice(1).replace(":", "");
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || 0);
  return (offset.startsWith("-") ? -minutes : minutes) * 60_000;
}

export function partsAsUtc({ year, month, day, hour, minute, second, ms }: Parts): number {
  const time = Date.UTC(year, month - 1, day, hour, minute, second, ms);
  return year < 100 ? new Date(time).setUTCFullYear(year) : time;
}

function utcParts(ms: number): Parts {
  const date = new Date(ms);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    ms: date.getUTCMilliseconds(),
  };
}

export function isTimeZone(name: string): boolean {
  return name === "UTC" || IANAZone.isValidZone(name);
}

function requireZone(timeZone: string): void {
  if (!isTimeZone(timeZone)) {
    fail("bad_value", `expected a time zone such as "Europe/Berlin" or "UTC", found ${quote(timeZone)}`);
  }
}

/** What the clock shows at that instant in the zone. */
export function instantToLocal(ms: number, timeZone: string): Parts {
  if (timeZone === "UTC") return utcParts(ms);
  requireZone(timeZone);
  return utcParts(ms + zoneOffsetMs(ms, timeZone));
}

export function zoneOffsetMs(ms: number, timeZone: string): number {
  if (timeZone === "UTC") return 0;
  requireZone(timeZone);
  return IANAZone.create(timeZone).offset(ms) * 60_000;
}

/**
 * The instant at which the clock shows these parts. A time that the clock skips in spring is a reason; of a time it shows
 * twice in autumn the first is taken.
 */
export function localToInstant(parts: Parts, timeZone: string): number {
  const wall = partsAsUtc(parts);
  if (timeZone === "UTC") return wall;
  requireZone(timeZone);
  const zone = IANAZone.create(timeZone);
  const before = wall - zone.offset(wall - DAY_MS) * 60_000;
  const after = wall - zone.offset(wall + DAY_MS) * 60_000;
  for (const candidate of before <= after ? [before, after] : [after, before]) {
    if (candidate + zone.offset(candidate) * 60_000 === wall) return candidate;
  }
  const shown = new Date(wall).toISOString().slice(0, 16).replace("T", " ");
  return fail("not_a_date", `the time ${shown} does not exist in ${timeZone}: the clocks go forward over it`, 0);
}

/** A date is its midnight. */
export function toParts(moment: Moment, timeZone: () => string): Parts {
  if (moment.kind === "datetime") return instantToLocal(moment.ms, timeZone());
  return { year: moment.year, month: moment.month, day: moment.day, hour: 0, minute: 0, second: 0, ms: 0 };
}

/** A date is its first instant in the zone, also where midnight is skipped. */
export function toInstant(moment: Moment, timeZone: () => string): number {
  if (moment.kind === "datetime") return moment.ms;
  const zone = timeZone();
  if (zone === "UTC") return Date.UTC(moment.year, moment.month - 1, moment.day);
  requireZone(zone);
  return DateTime.fromObject({ year: moment.year, month: moment.month, day: moment.day }, { zone })
    .startOf("day")
    .toMillis();
}

/** Days since 1970-01-01 of a calendar date. */
export function dayNumber({ year, month, day }: { year: number; month: number; day: number }): number {
  return Math.round(partsAsUtc({ year, month, day, hour: 0, minute: 0, second: 0, ms: 0 }) / DAY_MS);
}

export function dateOfDayNumber(days: number): CalendarDate {
  const { year, month, day } = utcParts(days * DAY_MS);
  if (!(year >= 1 && year <= 9999)) fail("out_of_range", "the date is outside the years 1 to 9999");
  return { kind: "date", year, month, day };
}

/** The same day so many months later; the last day of the month where that day is missing. */
export function addMonths<T extends { year: number; month: number; day: number }>(date: T, months: number): T {
  const index = date.year * 12 + date.month - 1 + months;
  const year = Math.floor(index / 12);
  const month = index - year * 12 + 1;
  if (!(year >= 1 && year <= 9999)) fail("out_of_range", "the date is outside the years 1 to 9999");
  return { ...date, year, month, day: Math.min(date.day, daysInMonth(year, month)) };
}

const two = (number: number) => (number < 10 ? `0${number}` : String(number));

export function writeDate({ year, month, day }: { year: number; month: number; day: number }): string {
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`;
}

/** ISO text in UTC with milliseconds. */
export function writeInstant(ms: number): string {
  if (!(ms >= -62_135_596_800_000 && ms <= 253_402_300_799_999))
    fail("out_of_range", "the time is outside the years 1 to 9999");
  return new Date(ms).toISOString();
}
