import type { Node } from "./ast.ts";
import { type Compiled, type Context, compileNode, problem, sourceOf } from "./compile-node.ts";
import { fail, locate } from "./error.ts";
import type { Scope } from "./function.ts";
import { writeName } from "./names.ts";
import { nearest } from "./nearest.ts";
import { parseNumeric } from "./number.ts";
import { ANY, type Field, isNumeric, isUnknown, type Type, typeOfField } from "./types.ts";
import { describeValue, fieldReader, isRecord, quote, type RecordValue, shorten, type Value } from "./value.ts";

type NodeOf<K extends Node["kind"]> = Extract<Node, { kind: K }>;

/** A LET name or LAMBDA parameter, else a field of the record. */
export function compileName(node: NodeOf<"name">, context: Context): Compiled {
  for (let local = context.names; local; local = local.outer) {
    if (local.name === node.name) {
      const { slot, type } = local;
      return { type, run: (scope) => scope.vars[slot] ?? null };
    }
  }
  const path = writeName(node.name);
  context.reads.add(path);
  const field = findField(context.input, node.name, node, context);
  const read = readerOf(node.name, field, context);
  const run = (scope: Scope): Value => {
    try {
      return read(scope.record);
    } catch (error) {
      throw locate(error, undefined, node);
    }
  };
  return { type: field ? typeOfField(field) : ANY, run, path };
}

/** A field of a nested record; over a list, that field of every item. */
export function compileMember(node: NodeOf<"member">, context: Context): Compiled {
  const object = compileNode(node.object, context);
  const holder = object.type.type === "list" ? (object.type.element ?? ANY) : object.type;
  if (!isUnknown(holder) && holder.type !== "record") {
    const source = sourceOf(context, node.object);
    problem(
      context,
      node,
      "type_mismatch",
      `${source} is ${holder.type} and has no fields, so not ${quote(node.name)} either`,
    );
  }
  const path = object.path === undefined ? undefined : `${object.path}.${writeName(node.name)}`;
  if (path !== undefined) {
    context.reads.delete(object.path!);
    context.reads.add(path);
  }
  const field = holder.type === "record" ? findField(holder.fields, node.name, node, context) : undefined;
  const read = readerOf(node.name, field, context);
  const source = sourceOf(context, node.object);
  const { run: inner } = object;
  const run = (scope: Scope): Value => {
    const value = inner(scope);
    if (value === null) return null;
    try {
      return Array.isArray(value)
        ? overItems(value, node.name, read, source)
        : read(expectRecord(value, node.name, source));
    } catch (error) {
      throw locate(error, undefined, node);
    }
  };
  const type = field ? typeOfField(field) : ANY;
  const nullable = object.type.nullable || type.nullable;
  if (object.type.type === "list")
    return { type: { type: "list", nullable, element: type }, run, ...(path ? { path } : {}) };
  return { type: { ...type, nullable }, run, ...(path ? { path } : {}) };
}

function expectRecord(value: Value, name: string, source: string): RecordValue {
  if (isRecord(value)) return value;
  return fail("not_a_record", `expected ${source} to be a record with ${quote(name)}, found ${describeValue(value)}`);
}

/** Items may differ: a field some have is NULL in the others; one that none has is a reason. */
function overItems(items: Value[], name: string, read: (record: RecordValue) => Value, source: string): Value[] {
  let found = items.length === 0;
  const values = items.map((item): Value => {
    if (item === null) return null;
    if (Array.isArray(item)) {
      found = true;
      return overItems(item, name, read, source);
    }
    const record = expectRecord(item, name, source);
    if (!Object.hasOwn(record, name)) return null;
    found = true;
    return read(record);
  });
  if (!found && items.some((item) => item !== null)) {
    fail(
      "missing_field",
      `expected items of ${source} with a field ${quote(name)}, found none in ${items.length} items`,
    );
  }
  return values;
}

function findField(
  fields: readonly Field[] | undefined,
  name: string,
  node: Node,
  context: Context,
): Field | undefined {
  if (fields === undefined) return undefined;
  const field = fields.find((candidate) => candidate.name === name);
  if (!field) {
    const names = fields.map((candidate) => candidate.name);
    const close = nearest(name, names);
    const remedy = close
      ? `Did you mean ${writeName(close)}?`
      : names.length > 0
        ? `The record has ${shorten(names.map(writeName).join(", "), 120)}.`
        : "The record has no fields.";
    problem(context, node, "unknown_field", `unknown field ${quote(name)}`, remedy);
  }
  return field;
}

/** A declared field that is absent is NULL; one that nobody declared must be there. */
function readerOf(name: string, field: Field | undefined, context: Context): (record: RecordValue) => Value {
  const get = fieldReader(name);
  if (!field) {
    return (record) => {
      const value = get(record);
      if (value !== undefined) return value;
      const names = Object.keys(record);
      const close = nearest(name, names);
      const hint = close
        ? `did you mean ${writeName(close)}?`
        : `it has ${shorten(names.map(writeName).join(", "), 80) || "no fields"}`;
      return fail("missing_field", `expected a field ${quote(name)} in the record, found none; ${hint}`);
    };
  }
  if (context.copy || !isNumeric(typeOfField(field))) return (record) => get(record) ?? null;
  return (record) => {
    const value = get(record);
    return typeof value === "string" ? readNumber(value, name, field.type) : (value ?? null);
  };
}

/** Numbers beyond JavaScript's arrive as their digits. */
function readNumber(text: string, name: string, type: Type["type"]): Value {
  const number = parseNumeric(text);
  if (number !== undefined) return number;
  return fail(
    "not_a_number",
    `expected the ${type} field ${quote(name)} to hold a number, found ${describeValue(text)}`,
  );
}
