import { looksLikeIso } from "./moment.ts";
import type { Field, FieldType, Json, JsonRecord } from "./types.ts";

const DEEPEST = 8;
const LONGEST_SAMPLE = 100;

/**
 * Learns the fields of records from samples: names in the order of first appearance, types, whether a value was missing
 * or null, the share of empty values, fields of nested records and of lists of records, and one value as sample. Text of
 * digits stays text; text is a date only when every sample is one in ISO form.
 */
export function inferShape(samples: readonly JsonRecord[]): Field[] {
  return fieldsOf(samples, 0);
}

function fieldsOf(records: readonly JsonRecord[], depth: number): Field[] {
  const values = new Map<string, Json[]>();
  for (const record of records) {
    for (const name of Object.keys(record)) {
      const seen = values.get(name);
      if (seen) seen.push(record[name]!);
      else values.set(name, [record[name]!]);
    }
  }
  return [...values].map(([name, seen]) => fieldOf(name, seen, records.length, depth));
}

function fieldOf(name: string, values: readonly Json[], records: number, depth: number): Field {
  const present = values.filter((value) => value !== null);
  const empty = records - present.filter((value) => typeof value !== "string" || value.trim() !== "").length;
  const field: Field = {
    name,
    type: typeOfAll(present),
    nullable: present.length < records,
    emptyShare: records === 0 ? 0 : empty / records,
  };
  const sample = present.find((value) => value !== "" && typeof value !== "object");
  if (sample !== undefined) field.sample = typeof sample === "string" ? sample.slice(0, LONGEST_SAMPLE) : sample;
  if (depth < DEEPEST) {
    if (field.type === "record") field.fields = fieldsOf(present as JsonRecord[], depth + 1);
    if (field.type === "list") {
      const items = (present as Json[][]).flat().filter((item) => item !== null);
      if (items.length > 0 && items.every(isRecord)) field.fields = fieldsOf(items as JsonRecord[], depth + 1);
    }
  }
  return field;
}

function typeOfAll(values: readonly Json[]): FieldType {
  if (values.length === 0) return "any";
  const type = values.map(typeOf).reduce(eitherOf);
  return type === "blank" ? "text" : type;
}

function isRecord(value: Json): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function typeOf(value: Json): FieldType | "blank" {
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "number") return Number.isSafeInteger(value) ? "integer" : "decimal";
  if (Array.isArray(value)) return "list";
  if (typeof value === "object") return "record";
  if (value === "") return "blank";
  if (!looksLikeIso(value)) return "text";
  return value.length === 10 ? "date" : "datetime";
}

function eitherOf(a: FieldType | "blank", b: FieldType | "blank"): FieldType | "blank" {
  if (a === b) return a;
  const numeric = (type: string) => type === "integer" || type === "decimal";
  if (numeric(a) && numeric(b)) return "decimal";
  const text = (type: string) => type === "text" || type === "date" || type === "datetime" || type === "blank";
  return text(a) && text(b) ? "text" : "any";
}
