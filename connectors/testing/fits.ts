/** Does a record read from a stream fit the fields the stream declares? */
import { expect } from "vitest";
import type { Field, Json, JsonRecord } from "../sdk/types.ts";

const decimal = /^[+-]?\d+(\.\d+)?$|^(NaN|-?Infinity)$/;
const shapes: { [type in Field["type"]]: (value: Json) => boolean } = {
  text: (value) => typeof value === "string",
  integer: (value) => (typeof value === "number" ? Number.isInteger(value) : /^-?\d+$/.test(String(value))),
  decimal: (value) => typeof value === "number" || (typeof value === "string" && decimal.test(value)),
  boolean: (value) => typeof value === "boolean",
  date: (value) => typeof value === "string" && /^\d{4,}-\d\d-\d\d( BC)?$|^-?infinity$/.test(value),
  datetime: (value) => typeof value === "string" && /^\d{4,}-\d\d-\d\dT\d\d:\d\d|^-?infinity$/.test(value),
  time: (value) => typeof value === "string" && /^\d\d:\d\d/.test(value),
  list: (value) => Array.isArray(value),
  record: (value) => typeof value === "object" && !Array.isArray(value),
  json: () => true,
  any: () => true,
};

/** Fails the test when a value is not of its field's type, is too long, or a required one is missing. */
export function checkFits(record: JsonRecord, fields: Field[]): void {
  for (const name of Object.keys(record)) expect(fields.map((field) => field.name)).toContain(name);
  for (const field of fields) {
    const value = record[field.name];
    if (value === undefined || value === null) {
      expect(field.nullable !== false || value === undefined, `${field.name} is empty`).toBe(true);
      continue;
    }
    expect(shapes[field.type](value), `${field.name} is ${field.type}, found ${JSON.stringify(value)}`).toBe(true);
    if (field.maxLength !== undefined && typeof value === "string")
      expect([...value].length).toBeLessThanOrEqual(field.maxLength);
    if (field.options && typeof value === "string") expect(field.options).toContain(value);
  }
}
