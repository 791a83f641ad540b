import { MappingError } from "./error.ts";
import { parseIso } from "./moment.ts";
import { nearest } from "./nearest.ts";
import { exact, isWhole, numberToText, parseNumeric } from "./number.ts";
import { textLength } from "./text.ts";
import type { Field, FieldType, Json } from "./types.ts";
import { describeValue, quote, toJson } from "./value.ts";

export type ConvertOptions = Partial<
  Pick<Field, "nullable" | "required" | "maxLength" | "precision" | "scale" | "options" | "fields">
>;

export type Converted = { ok: true; value: Json } | { ok: false; code: string; message: string; remedy: string };

const CANONICAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?$/;

/**
 * Fits a value to a target field, strictly: nothing is cut, rounded or guessed. Canonical texts count as what they say
 * (`"12.50"` a decimal, `"true"` a boolean, `"2026-11-23"` a date); whatever would change the value is a reason.
 *
 * @returns the value to write (integers beyond 2^53 and decimals no float holds as decimal text), or why not and what to do
 */
export function convertValue(value: Json | undefined, type: FieldType, options: ConvertOptions = {}): Converted {
  if (value === null || value === undefined) {
    if (options.nullable !== false && options.required !== true) return { ok: true, value: null };
    return refuse(
      "required",
      `expected ${named(type)}, found nothing`,
      "Map the field, or say in its mapping what to take when it is empty (`whenEmpty`).",
    );
  }
  switch (type) {
    case "text":
      return toTextField(value, options);
    case "integer":
    case "decimal":
      return toNumberField(value, type, options);
    case "boolean":
      if (typeof value === "boolean") return { ok: true, value };
      if (value === "true" || value === "false") return { ok: true, value: value === "true" };
      return refuse(
        "not_a_boolean",
        `expected true or false, found ${describeValue(value)}`,
        "Add boolean to the chain, with your words for yes and no.",
      );
    case "date":
    case "datetime":
      return toDateField(value, type);
    case "time":
      if (typeof value === "string" && TIME.test(value)) return { ok: true, value };
      return refuse(
        "not_a_time",
        `expected a time such as 14:30:00, found ${describeValue(value)}`,
        'Write it with formatDate("HH:mm:ss").',
      );
    case "list":
      if (!Array.isArray(value))
        return refuse(
          "not_a_list",
          `expected a list, found ${describeValue(value)}`,
          "Add split to the chain, or LIST(…) in a formula.",
        );
      return options.fields ? convertItems(value, options.fields) : { ok: true, value };
    case "record":
      if (typeof value !== "object" || Array.isArray(value)) {
        return refuse(
          "not_a_record",
          `expected a record, found ${describeValue(value)}`,
          "Map its fields one by one, as in address.city.",
        );
      }
      return options.fields ? convertRecord(value, options.fields) : { ok: true, value };
    default:
      return { ok: true, value };
  }
}

function refuse(code: string, message: string, remedy: string): Converted {
  return { ok: false, code, message, remedy };
}

function named(type: FieldType): string {
  const names: Partial<Record<FieldType, string>> = {
    text: "text",
    integer: "a whole number",
    decimal: "a number",
    boolean: "true or false",
    any: "a value",
    json: "a value",
  };
  return names[type] ?? `a ${type}`;
}

function toTextField(value: Json, { maxLength, options }: ConvertOptions): Converted {
  if (typeof value === "object")
    return refuse("not_text", `expected text, found ${describeValue(value)}`, "Add join or toJson to the chain.");
  const text = typeof value === "string" ? value : typeof value === "number" ? numberToText(value) : String(value);
  if (maxLength !== undefined && text.length > maxLength && textLength(text) > maxLength) {
    return refuse(
      "too_long",
      `expected at most ${maxLength} characters, found ${textLength(text)} in ${quote(text)}`,
      `Shorten it on purpose with truncate(${maxLength}), or correct it at the source.`,
    );
  }
  if (options && !options.includes(text)) {
    const close = nearest(text, options);
    const message = `expected one of ${options.slice(0, 10).map(quote).join(", ")}${options.length > 10 ? ", …" : ""}, found ${quote(text)}`;
    return refuse(
      "not_an_option",
      message,
      close ? `Did you mean "${close}"? Translate it with lookup.` : "Translate it with lookup.",
    );
  }
  return { ok: true, value: text };
}

/** What databases keep in number fields and no calculation takes. */
const NO_NUMBER = /^(NaN|[+-]?Infinity)$/i;

function toNumberField(value: Json, type: "integer" | "decimal", { precision, scale }: ConvertOptions): Converted {
  const expected = type === "integer" ? "a whole number" : "a number";
  const number =
    typeof value === "number"
      ? Number.isFinite(value)
        ? value
        : undefined
      : typeof value === "string" && CANONICAL.test(value)
        ? parseNumeric(value)
        : undefined;
  if (number === undefined) {
    const code = type === "integer" ? "not_an_integer" : "not_a_number";
    const message = `expected ${expected}, found ${describeValue(value)}`;
    if (value === "")
      return refuse(
        code,
        message,
        "Say in its mapping what to take when it is empty (`whenEmpty`): a number, or nothing.",
      );
    if (typeof value === "string" && NO_NUMBER.test(value))
      return refuse(code, message, "Say in a formula what it is to be instead: IFERROR(NUMBER(field), null).");
    const comma = typeof value === "string" && /^-?[\d.\s]*\d,\d+$/.test(value.trim());
    return refuse(
      code,
      message,
      comma
        ? 'Add number(",") to the chain.'
        : type === "integer"
          ? "Add integer to the chain."
          : "Add number to the chain.",
    );
  }
  if (type === "integer" && !isWhole(number))
    return refuse(
      "not_an_integer",
      `expected a whole number, found ${describeValue(value)}`,
      "Add round to the chain.",
    );
  if (precision !== undefined || scale !== undefined) {
    const digits = exact(number);
    const after = digits.decimalPlaces();
    const before = digits.isZero() ? 0 : Math.max(digits.e + 1, 0);
    if (scale !== undefined && after > scale) {
      return refuse(
        "too_many_decimals",
        `expected at most ${scale} digits after the point, found ${describeValue(value)}`,
        `Add round(${scale}) to the chain.`,
      );
    }
    if (precision !== undefined && before > precision - (scale ?? 0)) {
      return refuse(
        "too_large",
        `expected at most ${precision - (scale ?? 0)} digits before the point, found ${describeValue(value)}`,
        "Correct the number at the source.",
      );
    }
  }
  return { ok: true, value: toJson(number) };
}

function toDateField(value: Json, type: "date" | "datetime"): Converted {
  const example = type === "date" ? "a date such as 2026-11-23" : "a date with time such as 2026-11-23T10:00:00Z";
  const found = `expected ${example}, found ${describeValue(value)}`;
  if (typeof value !== "string") return refuse("not_a_date", found, "Add fromUnix or parseDate to the chain.");
  try {
    const moment = parseIso(value, () => "UTC");
    if (!moment) return refuse("not_a_date", found, 'Add parseDate("dd.MM.yyyy") with its format to the chain.');
    if (moment.kind === type) return { ok: true, value };
    return refuse(
      "not_a_date",
      found,
      type === "date"
        ? "Add date to the chain to leave out the time."
        : "Add dateTime to the chain; it takes midnight.",
    );
  } catch (error) {
    if (error instanceof MappingError) return refuse("not_a_date", error.message, "Correct it at the source.");
    throw error;
  }
}

function convertItems(items: readonly Json[], fields: readonly Field[]): Converted {
  const converted: Json[] = [];
  for (const [index, item] of items.entries()) {
    const result = convertValue(item, "record", { fields: [...fields] });
    if (!result.ok) return { ...result, message: `item ${index + 1}: ${result.message}` };
    converted.push(result.value);
  }
  return { ok: true, value: converted };
}

function convertRecord(record: { [name: string]: Json }, fields: readonly Field[]): Converted {
  const converted = { ...record };
  for (const field of fields) {
    const given = Object.hasOwn(record, field.name) ? record[field.name] : undefined;
    if (given === undefined && (!field.required || field.default)) continue;
    const result = convertValue(given, field.type, field);
    if (!result.ok) return { ...result, message: `field ${quote(field.name)}: ${result.message}` };
    converted[field.name] = result.value;
  }
  return { ok: true, value: converted };
}
