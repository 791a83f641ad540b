/** Putting fields into records and shapes by a path; records are shared, so what holds the field is copied. */
import type { Field, Json, JsonRecord } from "../../connectors/sdk/types.ts";
import { splitPath } from "../mapping/names.ts";
import type { Shape } from "./define-step.ts";

/** Sets a field of a record that is the caller's own; records inside are copied before they change. */
export type Setter = (own: JsonRecord, value: Json) => void;

export function setterOf(path: string): Setter {
  const parts = splitPath(path);
  const last = parts.at(-1)!;
  if (parts.length === 1) return (own, value) => put(own, last, value);
  return (own, value) => {
    let level = own;
    for (const name of parts.slice(0, -1)) {
      const inner = Object.hasOwn(level, name) ? level[name] : undefined;
      const copy = typeof inner === "object" && inner !== null && !Array.isArray(inner) ? { ...inner } : {};
      put(level, name, copy);
      level = copy;
    }
    put(level, last, value);
  };
}

function put(record: JsonRecord, name: string, value: Json): void {
  if (name === "__proto__")
    Object.defineProperty(record, name, { value, enumerable: true, writable: true, configurable: true });
  else record[name] = value;
}

/** The shape with a field at a path; one that was there is replaced. */
export function withField(shape: Shape, path: string, field: Omit<Field, "name">): Shape {
  return { ...shape, fields: layField(shape.fields, splitPath(path), field) };
}

function layField(fields: readonly Field[], [name, ...rest]: readonly string[], field: Omit<Field, "name">): Field[] {
  const at = fields.findIndex((one) => one.name === name);
  const there = fields[at];
  const laid: Field =
    rest.length === 0
      ? { ...field, name: name! }
      : { name: name!, type: "record", nullable: false, fields: layField(there?.fields ?? [], rest, field) };
  return there ? fields.with(at, laid) : [...fields, laid];
}

/** The shape without the field at a path. */
export function withoutField(shape: Shape, path: string): Shape {
  const parts = shape.fields.some(({ name }) => name === path) ? [path] : splitPath(path);
  return { ...shape, fields: dropField(shape.fields, parts) };
}

function dropField(fields: readonly Field[], [name, ...rest]: readonly string[]): Field[] {
  if (rest.length === 0) return fields.filter((field) => field.name !== name);
  return fields.map((field) =>
    field.name === name && field.fields ? { ...field, fields: dropField(field.fields, rest) } : field,
  );
}
