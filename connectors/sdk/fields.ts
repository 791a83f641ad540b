/** Fields of records, learnt from samples or from a JSON Schema, and the check of values against them. */
import { type FailureInfo, IntegrationError, quote } from "./errors.ts";
import { isRecord } from "./json.ts";
import type { Field, FieldType, Json, JsonRecord } from "./types.ts";

const date = /^\d{4}-\d{2}-\d{2}$/;
const datetime = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/;

/** The type one value speaks for; undefined when it is empty and says nothing. */
export function typeOf(value: Json | undefined): FieldType | undefined {
  if (value === null || value === undefined || value === "") return undefined;
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "decimal";
  if (typeof value === "string") return date.test(value) ? "date" : datetime.test(value) ? "datetime" : "text";
  return Array.isArray(value) ? "list" : "record";
}

function joined(a: FieldType | undefined, b: FieldType | undefined): FieldType | undefined {
  if (a === undefined || b === undefined || a === b) return a ?? b;
  const pair = new Set([a, b]);
  if (pair.has("integer") && pair.has("decimal")) return "decimal";
  if (pair.has("date") && pair.has("datetime")) return "datetime";
  const texts = ["text", "date", "datetime"];
  return texts.includes(a) && texts.includes(b) ? "text" : "any";
}

/** Fields in the order they were first seen; nested records and lists of records to a depth of 6. */
export function inferFields(samples: JsonRecord[], key: string[] = [], depth = 0): Field[] {
  const values = new Map<string, Json[]>();
  for (const sample of samples)
    for (const [name, value] of Object.entries(sample)) {
      const seen = values.get(name);
      if (seen) seen.push(value);
      else values.set(name, [value]);
    }
  return [...values].map(([name, seen]) => {
    const type = seen.map(typeOf).reduce(joined, undefined) ?? "any";
    const empty = samples.length - seen.filter((value) => value !== null && value !== "").length;
    const field: Field = {
      name,
      type,
      nullable: empty > 0,
      emptyShare: samples.length === 0 ? 0 : empty / samples.length,
    };
    const sample = seen.find((value) => value !== null && value !== "");
    if (sample !== undefined) field.sample = short(sample);
    if (key.includes(name)) field.key = true;
    const parts =
      type === "record"
        ? seen.filter(isRecord)
        : type === "list"
          ? seen.flat().filter((part) => isRecord(part as Json))
          : [];
    if (parts.length > 0 && depth < 6) field.fields = inferFields(parts as JsonRecord[], [], depth + 1);
    return field;
  });
}

const short = (value: Json): Json =>
  typeof value === "string" && value.length > 200 ? `${value.slice(0, 199)}…` : value;

/** Fields of a JSON Schema of an object (draft 7 to 2020-12, as OpenAPI writes them too; `$ref` within the schema). */
export function fieldsFromJsonSchema(schema: JsonRecord, key: string[] = []): Field[] {
  return fieldsOf(schema, schema, key, 0);
}

function resolved(schema: Json | undefined, root: JsonRecord, depth = 0): JsonRecord {
  if (!isRecord(schema)) return {};
  if (typeof schema.$ref === "string" && schema.$ref.startsWith("#/") && depth < 20) {
    let at: Json | undefined = root;
    for (const part of schema.$ref.slice(2).split("/"))
      at = isRecord(at) ? at[decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
    return resolved(at, root, depth + 1);
  }
  if (Array.isArray(schema.allOf)) {
    const parts = schema.allOf.map((part) => resolved(part, root, depth + 1));
    const properties = Object.assign({}, schema.properties, ...parts.map((part) => part.properties));
    const required = [schema, ...parts].flatMap((part) => (Array.isArray(part.required) ? part.required : []));
    return { ...schema, allOf: null, type: "object", properties, required };
  }
  const choices = [schema.anyOf, schema.oneOf].find(Array.isArray) as Json[] | undefined;
  const real = choices?.map((part) => resolved(part, root, depth + 1)).filter((part) => part.type !== "null");
  if (real && real.length === 1) return { ...schema, ...real[0], nullable: real.length !== choices!.length };
  return schema;
}

function fieldsOf(schema: Json | undefined, root: JsonRecord, key: string[], depth: number): Field[] {
  const object = resolved(schema, root);
  if (!isRecord(object.properties)) return [];
  const required = Array.isArray(object.required) ? object.required : [];
  return Object.entries(object.properties).flatMap(([name, raw]) => {
    const property = resolved(raw, root);
    if (property.readOnly === true && !key.includes(name)) return []; // the system fills it; sending it is refused or ignored
    const types = Array.isArray(property.type)
      ? property.type
      : [property.type ?? (isRecord(property.properties) ? "object" : null)];
    const field: Field = {
      name,
      type: schemaType(
        types.find((one) => one !== "null" && one !== null),
        property,
      ),
    };
    if (typeof property.title === "string") field.title = property.title;
    if (required.includes(name)) field.required = true;
    field.nullable = types.includes("null") || property.nullable === true;
    if (typeof property.maxLength === "number") field.maxLength = property.maxLength;
    if (property.default !== undefined) field.default = true;
    if (key.includes(name)) field.key = true;
    if (Array.isArray(property.enum) && property.enum.every((one) => typeof one === "string" || one === null))
      field.options = property.enum.filter((one) => typeof one === "string");
    const parts = field.type === "list" ? property.items : field.type === "record" ? property : undefined;
    const fields = parts !== undefined && depth < 6 ? fieldsOf(parts, root, [], depth + 1) : [];
    if (fields.length > 0) field.fields = fields;
    return [field];
  });
}

function schemaType(type: Json | undefined, { format }: JsonRecord): FieldType {
  if (type === "integer") return "integer";
  if (type === "number") return "decimal";
  if (type === "boolean") return "boolean";
  if (type === "array") return "list";
  if (type === "object") return "record";
  if (type !== "string") return "any";
  return format === "date" ? "date" : format === "date-time" ? "datetime" : format === "time" ? "time" : "text";
}

/** Why the values do not fit the fields (missing, wrong type, too long, not an option); undefined when they do. */
export function valueProblem(
  fields: Field[],
  values: JsonRecord,
  operation: "create" | "update",
  at = "",
): FailureInfo | undefined {
  for (const field of fields) {
    const value = values[field.name];
    const name = at + field.name;
    if (value === undefined || value === null) {
      const missing =
        field.required &&
        !field.default &&
        (operation === "create" || value === null) &&
        !(value === null && field.nullable);
      if (missing)
        return refusal(
          "required",
          `"${name}" is required and is ${value === null ? "empty" : "missing"} here. Map it, or give it a fixed value.`,
          name,
        );
      continue;
    }
    const expected = typeProblem(field, value);
    if (expected) return refusal("wrong-type", `"${name}" takes ${expected}, found ${quote(value)}.`, name);
    if (field.maxLength !== undefined && typeof value === "string" && [...value].length > field.maxLength)
      return refusal(
        "value-too-long",
        `"${name}" takes at most ${field.maxLength} characters, found ${[...value].length} in ${quote(value)}. Shorten it in the mapping.`,
        name,
      );
    if (field.options && typeof value === "string" && !field.options.includes(value))
      return refusal(
        "not-an-option",
        `"${name}" takes one of ${field.options
          .slice(0, 8)
          .map((one) => quote(one))
          .join(", ")}${field.options.length > 8 ? ", …" : ""}; found ${quote(value)}.`,
        name,
      );
    const inner = field.fields && isRecord(value) ? valueProblem(field.fields, value, "create", `${name}.`) : undefined;
    if (inner) return inner;
  }
  return undefined;
}

const refusal = (code: string, message: string, field: string) =>
  new IntegrationError(message, { kind: "rejected", code, field }).info;

function typeProblem({ type }: Field, value: Json): string | undefined {
  const text = typeof value === "string" ? value : undefined;
  switch (type) {
    case "integer":
      return Number.isInteger(value) || (text !== undefined && /^-?\d+$/.test(text)) ? undefined : "a whole number";
    case "decimal":
      return typeof value === "number" || (text !== undefined && /^-?\d+(\.\d+)?$/.test(text)) ? undefined : "a number";
    case "boolean":
      return typeof value === "boolean" ? undefined : "true or false";
    case "text":
      return text !== undefined ? undefined : "text";
    case "date":
      return text !== undefined && date.test(text) && !Number.isNaN(Date.parse(text))
        ? undefined
        : "a date such as 2026-11-23";
    case "datetime":
      return text !== undefined && datetime.test(text) && !Number.isNaN(Date.parse(text))
        ? undefined
        : "a date and time such as 2026-11-23T10:00:00Z";
    case "list":
      return Array.isArray(value) ? undefined : "a list";
    case "record":
      return isRecord(value) ? undefined : "a record";
    default:
      return undefined;
  }
}
