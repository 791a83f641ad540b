/** Fields at a point of a flow: finding one by its path, and joining the shapes of several links. */
import type { Field } from "../../connectors/sdk/types.ts";
import { splitPath } from "../mapping/names.ts";
import { nearest } from "../mapping/nearest.ts";
import { eitherType, fieldOfType, typeOfField } from "../mapping/types.ts";
import type { Problem, Shape } from "./define-step.ts";
import { atField, list } from "./words.ts";

export const OPEN: Shape = { fields: [], open: true };

const indexes = new WeakMap<readonly Field[], Map<string, Field>>();

function indexOf(fields: readonly Field[]): Map<string, Field> {
  let index = indexes.get(fields);
  if (!index) {
    index = new Map(fields.map((field) => [field.name, field]));
    indexes.set(fields, index);
  }
  return index;
}

export type Found =
  | { state: "known"; field: Field }
  /** the shape is open or the place holds JSON of unknown form: may be there */
  | { state: "possible" }
  | { state: "unknown"; part: string; names: string[]; within?: string };

/** Looks up a field by its name or by a path such as `customer.name`. */
export function findField(shape: Shape, path: string): Found {
  const whole = indexOf(shape.fields).get(path);
  if (whole) return { state: "known", field: whole };
  let { fields, open }: { fields: Field[]; open: boolean } = shape;
  let field: Field | undefined;
  let within: string | undefined;
  for (const part of splitPath(path)) {
    if (field) {
      if (field.type === "json" || field.type === "any") return { state: "possible" };
      if (field.type !== "record" && field.type !== "list")
        return { state: "unknown", part, names: [], within: field.name };
      if (!field.fields) return { state: "possible" };
      fields = field.fields;
      open = false;
      within = field.name;
    }
    const next: Field | undefined = indexOf(fields).get(part);
    if (!next) {
      if (open) return { state: "possible" };
      return { state: "unknown", part, names: fields.map(({ name }) => name), ...(within ? { within } : {}) };
    }
    field = next;
  }
  return field ? { state: "known", field } : { state: "possible" };
}

/** A problem when `path` names a field that cannot arrive at the step; undefined otherwise. */
export function unknownField(
  step: { id: string; title?: string | undefined },
  shape: Shape,
  path: string,
): Problem | undefined {
  const found = findField(shape, path);
  if (found.state !== "unknown") return undefined;
  const close = nearest(found.part, found.names);
  const where = found.within ? `“${found.within}” has` : "the record has";
  const remedy = close
    ? `Did you mean “${path === found.part ? close : path.slice(0, path.length - found.part.length) + close}”?`
    : found.names.length > 0
      ? `Choose one of the fields ${where.replace(/ has$/, "")} has: ${list(found.names)}.`
      : `Choose another field; ${where} no fields here.`;
  return {
    step: step.id,
    field: path,
    message: `${atField(step, path)}: expected a field that arrives here, but ${where} no “${found.part}”.`,
    remedy,
  };
}

/** The shape where several links meet: every field of any of them; what one lacks may be empty. */
export function joinShapes(shapes: readonly Shape[]): Shape {
  const [first, ...rest] = shapes;
  if (!first) return OPEN;
  if (rest.every((shape) => shape === first)) return first;
  const names = new Set(shapes.flatMap((shape) => shape.fields.map(({ name }) => name)));
  const fields: Field[] = [];
  for (const name of names) {
    const found = shapes.map((shape) => indexOf(shape.fields).get(name));
    const present = found.filter((field) => field !== undefined);
    const joined = present.reduce(joinFields);
    fields.push(present.length === shapes.length ? joined : { ...joined, nullable: true, key: false });
  }
  return { fields, open: shapes.some((shape) => shape.open) };
}

function joinFields(a: Field, b: Field): Field {
  if (a === b) return a;
  const field = fieldOfType(a.name, eitherType(typeOfField(a), typeOfField(b)));
  if (a.title !== undefined) field.title = a.title;
  if (a.maxLength !== undefined && b.maxLength !== undefined) field.maxLength = Math.max(a.maxLength, b.maxLength);
  if (a.options && b.options) field.options = [...new Set([...a.options, ...b.options])];
  if (a.key && b.key) field.key = true;
  return field;
}
