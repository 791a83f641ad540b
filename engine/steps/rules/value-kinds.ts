/** What `is: …` accepts. Text that stands for a number must be canonical: "12.50", not "12,50" or "1 200". */
import type { Json } from "../../../connectors/sdk/types.ts";
import { MappingError } from "../../mapping/error.ts";
import { type Moment, parseIso } from "../../mapping/moment.ts";
import { parseNumeric } from "../../mapping/number.ts";
import type { Num } from "../../mapping/value.ts";
import { COUNTRIES, CURRENCIES, isIban } from "./codes.ts";
import type { ValueKind } from "./schema.ts";

const NUMERIC = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;
const INTEGER = /^-?(?:0|[1-9]\d*)(?:\.0+)?$/;
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const PHONE = /^\+?[\d ()./-]+$/;
/** One @, a local part without blanks or brackets, labels of letters, digits and hyphens, a last label of letters. */
const EMAIL =
  /^[^\s@()<>[\]\\,;:"]{1,64}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+(?:\p{L}{2,63}|xn--[a-z0-9-]{2,59})$/u;
const PLAIN_EMAIL = /^[\w.+'-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$/;

/** The number a value holds: a JavaScript number, or canonical numeric text; undefined otherwise. */
export function numberIn(value: Json | undefined): Num | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" && NUMERIC.test(value) ? parseNumeric(value) : undefined;
}

/** The date or instant a text holds; without an offset a time means `timeZone`. undefined for anything else, also for a day that does not exist. */
export function momentIn(value: Json | undefined, timeZone: string): Moment | undefined {
  if (typeof value !== "string" || value.length < 10 || value.length > 40) return undefined;
  try {
    return parseIso(value, () => timeZone);
  } catch (error) {
    if (error instanceof MappingError) return undefined;
    throw error;
  }
}

function isEmail(text: string): boolean {
  if (text.length > 254) return false;
  if (!PLAIN_EMAIL.test(text) && !EMAIL.test(text)) return false;
  return !text.includes("..") && text.charCodeAt(0) !== 46 && !text.includes(".@");
}

function isUrl(text: string): boolean {
  return /^https?:\/\/[^\s]+$/i.test(text) && URL.canParse(text);
}

function isPhone(text: string): boolean {
  if (text.length > 40 || !PHONE.test(text)) return false;
  const digits = text.replace(/\D/g, "").length;
  return digits >= 5 && digits <= 15;
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

type KindTest = { holds(value: Json): boolean; expected: string; remedy?: string };
const ofText = (test: (text: string) => boolean) => (value: Json) => typeof value === "string" && test(value);
const number: KindTest = {
  holds: (value) => typeof value === "number" || (typeof value === "string" && NUMERIC.test(value)),
  expected: "a number",
  remedy: "Write it with a point and without blanks (1200.50), or make it a number before this step.",
};
const ISO_REMEDY = "Write it as year-month-day, or make it a date before this step.";

export const KIND_TESTS: { readonly [K in ValueKind]: KindTest } = {
  text: { holds: (value) => typeof value === "string", expected: "text" },
  number,
  decimal: number,
  integer: {
    holds: (value) =>
      typeof value === "number" ? Number.isInteger(value) : typeof value === "string" && INTEGER.test(value),
    expected: "a whole number",
  },
  boolean: {
    holds: (value) => typeof value === "boolean" || value === "true" || value === "false",
    expected: "true or false",
  },
  date: {
    holds: (value) => momentIn(value, "UTC")?.kind === "date",
    expected: "a date such as 2026-11-23",
    remedy: ISO_REMEDY,
  },
  datetime: {
    holds: (value) => momentIn(value, "UTC")?.kind === "datetime",
    expected: "a date with time such as 2026-11-23T10:00:00Z",
    remedy: ISO_REMEDY,
  },
  time: { holds: ofText((text) => TIME.test(text)), expected: "a time such as 10:30" },
  email: { holds: ofText(isEmail), expected: "an e-mail address" },
  url: { holds: ofText(isUrl), expected: "a web address beginning with http:// or https://" },
  phone: { holds: ofText(isPhone), expected: "a phone number of 5 to 15 digits" },
  uuid: { holds: ofText((text) => UUID.test(text)), expected: "a UUID such as 1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b" },
  iban: { holds: ofText(isIban), expected: "an IBAN with right check digits" },
  currency: { holds: ofText((text) => CURRENCIES.has(text)), expected: "a currency code such as EUR (ISO 4217)" },
  country: { holds: ofText((text) => COUNTRIES.has(text)), expected: "a country code such as DE (ISO 3166)" },
  json: {
    holds: (value) => (typeof value === "string" ? isJsonText(value) : true),
    expected: "JSON",
  },
  list: { holds: Array.isArray, expected: "a list" },
  record: {
    holds: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    expected: "a record of fields",
  },
};
