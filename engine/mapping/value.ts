import { Decimal } from "decimal.js";
import type { Json } from "../../connectors/sdk/types.ts";
import { spend } from "./work.ts";

/** A number inside a formula: a JavaScript number where that is exact enough to compute with, else a decimal. */
export type Num = number | Decimal;

/** What a formula computes with. Dates are ISO text, see docs/decisions/0003-values-and-exact-numbers.md. */
export type Value = null | boolean | number | string | Decimal | Value[] | RecordValue;

export interface RecordValue {
  [field: string]: Value;
}

export function isNumber(value: unknown): value is Num {
  return typeof value === "number" || value instanceof Decimal;
}

export function isRecord(value: unknown): value is RecordValue {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Decimal);
}

/** Reads a field without ever reaching what objects inherit (`constructor`, `__proto__`). */
export function fieldReader(name: string): (record: RecordValue) => Value | undefined {
  if (name in Object.prototype) return (record) => (Object.hasOwn(record, name) ? record[name] : undefined);
  return (record) => record[name];
}

/**
 * The plain JSON form of a result. A decimal becomes a JavaScript number when that loses nothing (a safe integer, or a
 * fraction whose shortest float text is the decimal itself) and a plain decimal text otherwise.
 */
export function toJson(value: Value): Json {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Decimal) return decimalToJson(value);
  return needsConversion(value) ? convert(value) : (value as Json);
}

function needsConversion(value: Value | undefined): boolean {
  spend();
  if (typeof value !== "object" || value === null) return value === undefined;
  if (value instanceof Decimal) return true;
  return Array.isArray(value) ? value.some(needsConversion) : Object.values(value).some(needsConversion);
}

function convert(value: Value | undefined): Json {
  spend();
  if (typeof value !== "object" || value === null) return value ?? null;
  if (value instanceof Decimal) return decimalToJson(value);
  if (Array.isArray(value)) return value.map(convert);
  const plain: { [key: string]: Json } = {};
  for (const key of Object.keys(value)) setField(plain, key, convert(value[key]));
  return plain;
}

function decimalToJson(value: Decimal): number | string {
  const number = value.toNumber();
  if (value.isInteger()) return Number.isSafeInteger(number) ? number + 0 : value.toFixed();
  const text = value.toString();
  return String(number) === text ? number : value.toFixed();
}

/** Sets a field as an own property even when its name is `__proto__`. */
export function setField<T>(target: { [key: string]: T }, name: string, value: T): void {
  if (name === "__proto__")
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  else target[name] = value;
}

/** A value as quoted in a message: `text "12,50"`, `number 7`, `nothing`; never longer than some 50 characters. */
export function describeValue(value: Value | undefined): string {
  if (value === null || value === undefined) return "nothing";
  if (typeof value === "string") return value === "" ? "empty text" : `text ${quote(value)}`;
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (isNumber(value)) return `number ${shorten(value.toString())}`;
  if (Array.isArray(value)) return value.length === 1 ? "a list of 1 item" : `a list of ${value.length} items`;
  const names = Object.keys(value);
  return `a record (${shorten(names.join(", "))})`;
}

export function quote(text: string): string {
  return `"${shorten(text)}"`;
}

export function shorten(text: string, limit = 40): string {
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}
