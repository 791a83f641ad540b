import { type CalendarDate, dayNumber, isCalendarDate, offsetMs, type Parts } from "./moment.ts";
import { quote } from "./value.ts";

type Part =
  | "year"
  | "month"
  | "day"
  | "weekday"
  | "hour"
  | "minute"
  | "second"
  | "fraction"
  | "half"
  | "offset"
  | "literal";
interface Token {
  part: Part;
  source: string;
}

/** A date format such as `dd.MM.yyyy HH:mm`, ready to read and write with. */
export interface DateFormat {
  tokens: Token[];
  hasTime: boolean;
  hasOffset: boolean;
  /** 12-hour clock: the format has AM/PM */
  half: boolean;
  pattern: RegExp;
  /** of every text in this format, when all have the same */
  length: number | undefined;
}

const MONTHS = "January February March April May June July August September October November December".split(" ");
const WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(" ");
const TOKEN =
  /'((?:[^']|'')*)'|"([^"]*)"|(y{4}|Y{4}|yy|YY)|(M{1,4})|(m{1,4})|(d{3,4}|D{3,4}|E{3,4}|c{3,4})|(dd?|DD?)|(HH?|hh?)|(ss?)|(S{1,6}|f{1,6})|(AM\/PM|am\/pm|a|A)|(Z{1,3}|X{1,3}|x{1,3})|([^A-Za-z]|T)/y;
const KINDS: Part[] = [
  "literal",
  "literal",
  "year",
  "month",
  "minute",
  "weekday",
  "day",
  "hour",
  "second",
  "fraction",
  "half",
  "offset",
  "literal",
];
const SORTS: { [part in Part]: string } = {
  year: "(\\d{4})",
  month: "(\\d\\d)",
  day: "(\\d\\d)",
  weekday: "",
  hour: "(\\d\\d)",
  minute: "(\\d\\d)",
  second: "(\\d\\d)",
  fraction: "(\\d{1,9})",
  half: "([AaPp]\\.?[Mm]\\.?)",
  offset: "(Z|[+-]\\d\\d(?::?\\d\\d)?)",
  literal: "",
};

const cache = new Map<string, DateFormat | string>();

/**
 * Understands a format: yyyy yy, MM M MMM MMMM, dd d, ddd dddd (weekday), HH H, mm m, ss s, SSS, AM/PM, ZZ (offset), text in
 * quotes. As in spreadsheets, `mm` beside hours or seconds are minutes and otherwise the month (`dd.mm.yyyy`); `MM` is always the month.
 *
 * @returns the format, or what is wrong with it
 */
export function dateFormat(format: string): DateFormat | string {
  const known = cache.get(format);
  if (known !== undefined) return known;
  const compiled = compile(format);
  if (cache.size > 500) cache.clear();
  cache.set(format, compiled);
  return compiled;
}

function compile(format: string): DateFormat | string {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < format.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(format);
    if (!match)
      return `expected a date format such as dd.MM.yyyy, found ${quote(format)}: ${quote(format[at]!)} means nothing in it`;
    const kind = match.findIndex((group, index) => index > 0 && group !== undefined) - 1;
    const part = KINDS[kind]!;
    tokens.push({
      part,
      source: kind === 0 ? match[1]!.replaceAll("''", "'") || "'" : kind === 1 ? match[2]! : match[0],
    });
  }
  const fields = tokens.filter((token) => token.part !== "literal");
  fields.forEach((token, index) => {
    if (token.part !== "minute") return;
    const beside = fields[index - 1]?.part === "hour" || fields[index + 1]?.part === "second";
    if (!beside || token.source.length > 2) token.part = "month";
  });
  if (fields.length === 0) return `expected a date format such as dd.MM.yyyy, found ${quote(format)}`;
  const has = (part: Part) => fields.some((token) => token.part === part);
  return {
    tokens,
    hasTime: has("hour") || has("minute"),
    hasOffset: has("offset"),
    half: has("half"),
    pattern: new RegExp(
      `^${tokens.map(patternOf).join("")}$`,
      fields.some(({ part, source }) => source.length >= 3 || part === "half" || part === "offset") ? "i" : "",
    ),
    length: tokens.every(
      ({ part, source }) =>
        part === "literal" ||
        (/^(?:year|month|day|hour|minute|second)$/.test(part) && (source.length === 2 || part === "year")),
    )
      ? tokens.reduce((length, { source }) => length + source.length, 0)
      : undefined,
  };
}

function patternOf({ part, source }: Token): string {
  if (part === "literal") return source.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  if (part === "year" && source.length === 2) return "(\\d\\d)";
  if (part === "month" && source.length >= 3)
    return `(${MONTHS.map((name) => (source.length === 3 ? name.slice(0, 3) : name)).join("|")})`;
  if (part === "weekday")
    return `(?:${WEEKDAYS.map((name) => (source.length === 3 ? name.slice(0, 3) : name)).join("|")})`;
  if (source.length === 1 && SORTS[part] === "(\\d\\d)") return "(\\d\\d?)";
  return SORTS[part];
}

export interface ParsedDate extends Parts {
  /** milliseconds east of Greenwich, when the text says so */
  offset: number | undefined;
}

/** @returns undefined when the text has another form, "impossible" when its day or time does not exist */
export function readDate(text: string, format: DateFormat): ParsedDate | "impossible" | undefined {
  if (format.length !== undefined && text.length !== format.length) return undefined;
  const match = format.pattern.exec(text);
  if (!match) return undefined;
  const parts: ParsedDate = { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, ms: 0, offset: undefined };
  let group = 1;
  let afternoon: boolean | undefined;
  for (const { part, source } of format.tokens) {
    if (part === "literal" || part === "weekday") continue;
    const found = match[group]!;
    group += 1;
    if (part === "year") parts.year = source.length === 2 ? pivot(Number(found)) : Number(found);
    else if (part === "month") parts.month = source.length >= 3 ? monthNumber(found) : Number(found);
    else if (part === "fraction") parts.ms = Math.floor(Number(`0.${found}`) * 1000);
    else if (part === "half") afternoon = found[0] === "p" || found[0] === "P";
    else if (part === "offset") parts.offset = offsetMs(found);
    else parts[part] = Number(found);
  }
  if (afternoon !== undefined) {
    if (parts.hour < 1 || parts.hour > 12) return "impossible";
    parts.hour = (parts.hour % 12) + (afternoon ? 12 : 0);
  }
  const possible =
    isCalendarDate(parts.year, parts.month, parts.day) && parts.hour < 24 && parts.minute < 60 && parts.second < 60;
  return possible ? parts : "impossible";
}

/** Two-digit years 00–60 are 2000–2060, others 1961–1999. */
function pivot(year: number): number {
  return year <= 60 ? 2000 + year : 1900 + year;
}

function monthNumber(name: string): number {
  return MONTHS.findIndex((month) => month.slice(0, 3).toLowerCase() === name.slice(0, 3).toLowerCase()) + 1;
}

/** 1 = Monday … 7 = Sunday. */
export function isoWeekday(date: Pick<CalendarDate, "year" | "month" | "day">): number {
  return ((((dayNumber(date) + 3) % 7) + 7) % 7) + 1;
}

const pad = (number: number, width: number) => String(number).padStart(width, "0");

export function writeFormatted(parts: Parts, offset: number, { tokens, half }: DateFormat): string {
  let text = "";
  for (const { part, source } of tokens) {
    const width = source.length;
    if (part === "literal") text += source;
    else if (part === "year") text += width === 2 ? pad(parts.year % 100, 2) : pad(parts.year, 4);
    else if (part === "month" && width >= 3)
      text += width === 3 ? MONTHS[parts.month - 1]!.slice(0, 3) : MONTHS[parts.month - 1]!;
    else if (part === "weekday")
      text += width === 3 ? WEEKDAYS[isoWeekday(parts) - 1]!.slice(0, 3) : WEEKDAYS[isoWeekday(parts) - 1]!;
    else if (part === "hour") text += pad(half ? parts.hour % 12 || 12 : parts.hour, width);
    else if (part === "fraction") text += pad(parts.ms, 3).padEnd(width, "0").slice(0, width);
    else if (part === "half") text += parts.hour < 12 ? "AM" : "PM";
    else if (part === "offset") text += writeOffset(offset, width);
    else text += pad(parts[part], width);
  }
  return text;
}

/** `+02:00`, or `+0200` for a token of three letters. */
export function writeOffset(offset: number, width = 2): string {
  const minutes = Math.abs(Math.round(offset / 60_000));
  return `${offset < 0 ? "-" : "+"}${pad(Math.floor(minutes / 60), 2)}${width === 3 ? "" : ":"}${pad(minutes % 60, 2)}`;
}
