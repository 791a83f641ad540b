/**
 * Values between JSON and PostgreSQL's text forms. `decode` reads what the server prints (ISO dates, UTC, hex bytea);
 * `encode` writes what it reads back unchanged, and refuses whatever the column would cut, round or not take.
 */
import { quote } from "../sdk/errors.ts";
import { parseJson } from "../sdk/json.ts";
import type { Field, FieldType, Json } from "../sdk/types.ts";
import { arrayLiteral, parseArray } from "./arrays.ts";
import type { Column } from "./catalog.ts";
import { dateText, datetimeText, timeText } from "./dates.ts";
import { decimalText, floatText, integerText } from "./numbers.ts";
import { Refusal } from "./refusal.ts";

export type Codec = {
  type: FieldType;
  decode(raw: string): Json;
  encode(value: NonNullable<Json>): string | Refusal;
  /** `encode` gives the very text the server would print of it (always, or for these texts), so it need not send it back */
  exact: boolean | ((text: string) => boolean);
};

const asIs = (raw: string): Json => raw;
const iso = (raw: string) => (raw.charCodeAt(raw.length - 1) === 0x79 ? raw : raw.replace(" ", "T"));
const isoUtc = (raw: string) =>
  raw.charCodeAt(raw.length - 1) === 0x79 ? raw : raw.replace(" ", "T").replace("+00", "Z");
const number = (raw: string): Json => (Number.isFinite(Number(raw)) ? Number(raw) : raw);
const integer = (raw: string): Json => (raw.length < 16 || Number.isSafeInteger(Number(raw)) ? Number(raw) : raw);
const bytea = (raw: string): Json => Buffer.from(raw.slice(2), "hex").toString("base64");
/** Zero has no sign and nothing has needless zeros in front; a fixed scale is filled up by `decimalText`. */
const exactDecimal = (text: string) => /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) && !/^-[0.]+$/.test(text);
/** `datetimeText` writes four-digit years as the server does: with a blank after the day. */
const exactDatetime = (text: string) => text.charCodeAt(10) === 32 && !text.endsWith("C");
const uuid = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

/** Text the server can store: no NUL, no half surrogate pairs (which would turn into U+FFFD). */
function storable(text: string): string | Refusal {
  if (text.includes("\0")) return new Refusal(`PostgreSQL cannot store the character NUL, found ${quote(text)}`);
  if (!text.isWellFormed()) return new Refusal(`expected valid Unicode text, found half a character in ${quote(text)}`);
  return text;
}

function plainText(value: NonNullable<Json>, what: string): string | Refusal {
  if (typeof value === "string") return storable(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return new Refusal(
    `expected ${what}, found ${Array.isArray(value) ? "a list" : "a record"}. Pick one value of it in the mapping`,
  );
}

function textCodec(declared: string, maxLength: number | undefined, padded: boolean, exact = true): Codec {
  return {
    type: "text",
    exact,
    decode: padded ? (raw) => raw.replace(/ +$/, "") : asIs,
    encode(value) {
      const text = plainText(value, "text");
      if (maxLength === undefined || typeof text !== "string" || text.length <= maxLength) return text;
      const length = [...text].length;
      if (length <= maxLength) return text;
      return new Refusal(`${declared} holds at most ${maxLength} characters, found ${length}: ${quote(text)}`);
    },
  };
}

const optionsCodec = (options: string[]): Codec => ({
  type: "text",
  exact: true,
  decode: asIs,
  encode: (value) =>
    typeof value === "string" && options.includes(value)
      ? value
      : new Refusal(`expected one of ${options.slice(0, 12).map(quote).join(", ")}, found ${quote(value)}`),
});

const scalars: { [type: string]: (mod: number, declared: string) => Codec } = {
  int2: () => ({ type: "integer", exact: true, decode: Number, encode: integerText(-32768, 32767, "smallint") }),
  int4: () => ({
    type: "integer",
    exact: true,
    decode: Number,
    encode: integerText(-2147483648, 2147483647, "integer"),
  }),
  int8: () => ({
    type: "integer",
    exact: true,
    decode: integer,
    encode: integerText(-(2n ** 63n), 2n ** 63n - 1n, "bigint"),
  }),
  oid: () => ({ type: "integer", exact: true, decode: Number, encode: integerText(0, 4294967295, "oid") }),
  numeric: (mod, declared) => ({
    type: "decimal",
    exact: exactDecimal,
    decode: asIs,
    encode: decimalText(...digitsOf(mod), declared),
  }),
  float4: () => ({ type: "decimal", exact: false, decode: number, encode: floatText("real") }),
  float8: () => ({ type: "decimal", exact: false, decode: number, encode: floatText("double precision") }),
  bool: () => ({
    type: "boolean",
    exact: true,
    decode: (raw) => raw === "t",
    encode(value) {
      if (value === true || value === "true") return "t";
      if (value === false || value === "false") return "f";
      return new Refusal(`expected true or false, found ${quote(value)}`);
    },
  }),
  date: () => ({ type: "date", exact: true, decode: asIs, encode: dateText }),
  timestamp: (mod) => ({
    type: "datetime",
    exact: exactDatetime,
    decode: iso,
    encode: datetimeText("timestamp", mod < 0 ? 6 : mod),
  }),
  timestamptz: (mod) => ({
    type: "datetime",
    exact: exactDatetime,
    decode: isoUtc,
    encode: datetimeText("timestamptz", mod < 0 ? 6 : mod),
  }),
  time: (mod) => ({ type: "time", exact: false, decode: asIs, encode: timeText(mod < 0 ? 6 : mod, false) }),
  timetz: (mod) => ({ type: "time", exact: false, decode: asIs, encode: timeText(mod < 0 ? 6 : mod, true) }),
  json: () => jsonCodec,
  jsonb: () => jsonCodec,
  bytea: () => ({
    type: "text",
    exact: true,
    decode: bytea,
    encode(value) {
      if (typeof value !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(value) || value.length % 4 !== 0)
        return new Refusal(`expected bytes as base64 text, found ${quote(value)}`);
      return `\\x${Buffer.from(value, "base64").toString("hex")}`;
    },
  }),
  uuid: () => ({
    type: "text",
    exact: true,
    decode: asIs,
    encode(value) {
      if (typeof value !== "string" || !uuid.test(value)) return new Refusal(`expected a UUID, found ${quote(value)}`);
      const digits = value.toLowerCase();
      if (digits.length === 36) return digits;
      const plain = digits.replaceAll("-", "");
      return [0, 8, 12, 16, 20].map((from, at) => plain.slice(from, [8, 12, 16, 20, 32][at])).join("-");
    },
  }),
  bit: (mod) => bitsCodec(Math.max(mod, 1), Math.max(mod, 1)),
  varbit: (mod) => bitsCodec(0, mod < 0 ? Number.POSITIVE_INFINITY : mod),
  varchar: (mod, declared) => textCodec(declared, mod < 0 ? undefined : mod - 4, false),
  bpchar: (mod, declared) => textCodec(declared, mod < 0 ? undefined : mod - 4, true),
};

function bitsCodec(least: number, most: number): Codec {
  return {
    type: "text",
    exact: true,
    decode: asIs,
    encode: (value) =>
      typeof value === "string" && /^[01]*$/.test(value) && value.length >= least && value.length <= most
        ? value
        : new Refusal(`expected ${least === most ? least : `at most ${most}`} binary digits, found ${quote(value)}`),
  };
}

const jsonCodec: Codec = {
  type: "json",
  exact: false,
  decode: parseJson,
  encode: (value) => {
    const text = JSON.stringify(value);
    if (escapedNul.test(text)) return new Refusal(`PostgreSQL cannot store the character NUL, found ${quote(value)}`);
    if (halfPair.test(text))
      return new Refusal(`expected valid Unicode text, found half a character in ${quote(value)}`);
    return text;
  },
};

// JSON.stringify escapes these two, and nothing else, so (after an even number of backslashes).
const escapedNul = /(?<!\\)(?:\\\\)*\\u0000/;
const halfPair = /(?<!\\)(?:\\\\)*\\ud[89a-f]/;

/** Precision and scale of a numeric's type modifier. Source: src/backend/utils/adt/numeric.c, numeric_typmod_*. */
export function digitsOf(mod: number): [precision: number | undefined, scale: number | undefined] {
  if (mod < 4) return [undefined, undefined];
  const packed = mod - 4;
  return [(packed >> 16) & 0xffff, ((packed & 0x7ff) ^ 1024) - 1024];
}

/** How this column's values travel. */
export function codecOf(column: Pick<Column, "type" | "kind" | "mod" | "declared" | "options" | "element">): Codec {
  if (column.options) return optionsCodec(column.options);
  if (column.element) return listCodec(column.element, column.mod);
  const scalar = column.kind === "b" ? scalars[column.type] : undefined;
  return scalar
    ? scalar(column.mod, column.declared)
    : textCodec(column.declared, undefined, false, column.type === "text");
}

function listCodec(element: NonNullable<Column["element"]>, mod: number): Codec {
  const { type, kind, base, options } = element;
  const inner = codecOf({ type, kind, mod, declared: base, options, element: null });
  const write = (value: Json): string | null | Refusal | (string | null | Refusal)[] =>
    value === null ? null : inner.encode(value);
  return {
    type: "list",
    exact: false,
    decode: (raw) => parseArray(raw, inner.decode),
    encode(value) {
      if (!Array.isArray(value)) return new Refusal(`expected a list, found ${quote(value)}`);
      // A list inside a list is a further dimension, except where the elements are JSON themselves.
      const literal = arrayLiteral(value, write, inner.type === "json");
      return literal;
    },
  };
}

/** The field a column shows as, in a stream or a sink. */
export function fieldOf(column: Column, keys: { primary: string[]; uniques: string[][] }): Field {
  const field: Field = { name: column.name, type: codecOf(column).type, nullable: !column.notNull };
  if (column.comment) field.title = column.comment;
  if ((column.type === "varchar" || column.type === "bpchar") && column.mod >= 4) field.maxLength = column.mod - 4;
  if (column.type === "numeric" && column.mod >= 4) [field.precision, field.scale] = digitsOf(column.mod);
  if (column.options) field.options = column.options;
  if (keys.primary.includes(column.name)) field.key = true;
  if (keys.uniques.some((unique) => unique.length === 1 && unique[0] === column.name)) field.unique = true;
  return field;
}
