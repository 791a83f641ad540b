/** Records by the text of some fields, for systems that cannot be asked for single records. */
import type { Json, JsonRecord } from "./types.ts";

/** A key as text: 7 and "7" are the same. null when a field is empty, which never equals anything. */
export function keyOfFields(record: JsonRecord, fields: readonly string[]): string | null {
  let key = "";
  for (const field of fields) {
    const value: Json | undefined = Object.hasOwn(record, field) ? record[field] : undefined;
    if (value === undefined || value === null || value === "") return null;
    const text = typeof value === "object" ? JSON.stringify(value) : String(value);
    key += `${text.length}:${text}`; // its length tells where it ends
  }
  return key;
}

/** Only these fields of a record; what it lacks is null. */
export function pickFields(record: JsonRecord, fields: readonly string[] | undefined): JsonRecord {
  if (fields === undefined) return record;
  return Object.fromEntries(
    fields.map((field) => [field, Object.hasOwn(record, field) ? (record[field] ?? null) : null]),
  );
}
