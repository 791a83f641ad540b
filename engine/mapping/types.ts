import type { Field, FieldType } from "../../connectors/sdk/types.ts";
import type { Position } from "./error.ts";
import type { Value } from "./value.ts";

export type { Field, FieldType, Json, JsonRecord } from "../../connectors/sdk/types.ts";

export const FIELD_TYPES = [
  "text",
  "integer",
  "decimal",
  "boolean",
  "date",
  "datetime",
  "time",
  "json",
  "list",
  "record",
  "any",
] as const satisfies readonly FieldType[];

/** A small table of values: from → to. Keys compare like texts with `=`: without regard to case. */
export type LookupTable = { [from: string]: Value };

/** What a formula may know of the outside. One object per run, so that every record sees the same moment. */
export interface MappingEnv {
  /** the moment the run (or the preview) began */
  now: Date;
  /** IANA name, such as `Europe/Berlin`: what dates and times without an offset mean */
  timeZone: string;
  tables?: { [name: string]: LookupTable };
}

/** What is known about a value before any record is read. */
export interface Type {
  type: FieldType;
  nullable: boolean;
  /** of a record, when known */
  fields?: Field[];
  /** of a list, when known */
  element?: Type;
  /** may as well be a list of these: computed from fields nobody declared */
  maybeList?: boolean;
}

/** Why a rule of a mapping cannot be used as it stands. */
export interface MappingProblem {
  /** target field of the rule */
  to: string;
  code: string;
  message: string;
  remedy: string;
  /** in the rule's formula (a chain has none) */
  position?: Position;
}

/** The type of a value nothing is known about. */
export const ANY: Type = { type: "any", nullable: true };

export function typeOfField(field: Field): Type {
  const nullable = field.nullable !== false && !field.key;
  if (field.type === "list") {
    const element: Type = field.fields ? { type: "record", nullable: true, fields: field.fields } : ANY;
    return { type: "list", nullable, element };
  }
  return { type: field.type, nullable, ...(field.fields ? { fields: field.fields } : {}) };
}

export function fieldOfType(name: string, type: Type): Field {
  const fields = type.type === "list" ? type.element?.fields : type.fields;
  return { name, type: type.type, nullable: type.nullable, ...(fields ? { fields } : {}) };
}

/** The type of a value that is one or the other. */
export function eitherType(a: Type, b: Type): Type {
  const nullable = a.nullable || b.nullable;
  if (a === NOTHING) return { ...b, nullable: true };
  if (b === NOTHING) return { ...a, nullable: true };
  if (a.type === b.type) {
    if (a.type === "list") return { type: "list", nullable, element: eitherType(a.element ?? ANY, b.element ?? ANY) };
    if (a.type === "record")
      return { type: "record", nullable, ...(a.fields === b.fields && a.fields ? { fields: a.fields } : {}) };
    return { type: a.type, nullable };
  }
  if (isNumeric(a) && isNumeric(b)) return { type: "decimal", nullable };
  return { type: "any", nullable };
}

/** The type of NULL itself. */
export const NOTHING: Type = { type: "any", nullable: true };

export function isNumeric(type: Type): boolean {
  return type.type === "integer" || type.type === "decimal";
}

/** Whether a value of that type may turn out to be a list although nothing says so. */
export function mayBeList(type: Type): boolean {
  return isUnknown(type) || type.maybeList === true;
}

export function isUnknown(type: Type): boolean {
  return type.type === "any" || type.type === "json";
}
