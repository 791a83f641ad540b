/**
 * Settings of a connection as the audit log may hold them. What the connector marks `confidential` or `secret` keeps its
 * names and loses its values, as do query parameters of addresses: people put keys there.
 */
import type { Connector } from "../../connectors/sdk/types.ts";
import { HIDDEN } from "../secrets/redact.ts";
import { formSchema } from "./connector-info.ts";

type Schema = { [name: string]: unknown };
/** one value within settings; `text` tells it from another one, `shown` may be kept */
type Leaf = { text: string; shown: unknown };

/** A change lists so many settings; the rest is counted. */
const MOST_CHANGES = 50;

/** @returns the settings without confidential values */
export function auditedSettings(connector: Connector, settings: unknown): unknown {
  return shown(settings, [formSchema(connector.settings)]);
}

/**
 * Which settings differ, by their paths: `{ "streams.orders.query.key": { before: "•••", after: "•••" } }`. What is in
 * one of the two only has no other side.
 */
export function changedSettings(connector: Connector, before: unknown, after: unknown): Schema {
  const schema = [formSchema(connector.settings)];
  const old = leaves(before, schema);
  const fresh = leaves(after, schema);
  const differing = [...new Set([...old.keys(), ...fresh.keys()])].filter(
    (path) => old.get(path)?.text !== fresh.get(path)?.text,
  );
  const listed = differing
    .slice(0, MOST_CHANGES)
    .map((path) => [path, { ...side("before", old.get(path)), ...side("after", fresh.get(path)) }]);
  const more = differing.length - listed.length;
  return { ...Object.fromEntries(listed), ...(more > 0 ? { "…": `and ${more} more` } : {}) };
}

const side = (name: string, leaf: Leaf | undefined) => (leaf === undefined ? {} : { [name]: leaf.shown });

function shown(value: unknown, schemas: Schema[]): unknown {
  if (isConfidential(schemas)) return hidden(value);
  if (Array.isArray(value)) return value.map((element, index) => shown(element, within(schemas, index)));
  if (isObject(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, shown(inner, within(schemas, name))]),
    );
  return typeof value === "string" ? withoutQueryValues(value) : value;
}

function leaves(value: unknown, schemas: Schema[], path = "", found = new Map<string, Leaf>()): Map<string, Leaf> {
  const below = (name: string) => (path === "" ? name : `${path}.${name}`);
  const nested = isObject(value) && Object.keys(value).length > 0;
  if (isConfidential(schemas) && nested)
    for (const [name, inner] of Object.entries(value))
      found.set(below(name), { text: textOf(inner), shown: hidden(inner) });
  else if (nested)
    for (const [name, inner] of Object.entries(value)) leaves(inner, within(schemas, name), below(name), found);
  else if (Array.isArray(value) && !isConfidential(schemas) && value.length > 0)
    for (const [index, inner] of value.entries())
      leaves(inner, within(schemas, index), below(nameOf(value, index)), found);
  else if (value !== undefined) found.set(path, { text: textOf(value), shown: shown(value, schemas) });
  return found;
}

/** Elements with names of their own go by those, so that one that is put in front does not change all that follow. */
function nameOf(list: unknown[], index: number): string {
  const names = list.map((element) => (isObject(element) ? element.name : undefined));
  const named = names.every((name) => typeof name === "string") && new Set(names).size === names.length;
  return named ? String(names[index]) : String(index + 1);
}

function hidden(value: unknown): unknown {
  return isObject(value) ? Object.fromEntries(Object.keys(value).map((name) => [name, HIDDEN])) : HIDDEN;
}

const isConfidential = (schemas: Schema[]) =>
  schemas.some(({ confidential, secret }) => confidential === true || secret === true);

/** The schemas that may describe a part of a value: of a choice, all of its cases. */
function within(schemas: Schema[], part: string | number): Schema[] {
  return schemas.flatMap((schema) => {
    const { properties, additionalProperties, items } = schema as { [name: string]: Schema | undefined };
    const own = typeof part === "number" ? [items] : [properties?.[part] ?? additionalProperties];
    return cases(own.filter(isObject));
  });
}

function cases(schemas: Schema[]): Schema[] {
  return schemas.flatMap((schema) => {
    const choices = [schema.anyOf, schema.oneOf, schema.allOf].flatMap((list) => (Array.isArray(list) ? list : []));
    return [schema, ...cases(choices.filter(isObject))];
  });
}

/** `/orders?key=abc&since={from}` → `/orders?key=•••&since={from}`: fields in braces are no secrets. */
function withoutQueryValues(text: string): string {
  return text.replace(/([?&][^=&#\s]+=)(?!\{[^{}]*\}(?:[&#]|$))[^&#\s]+/g, `$1${HIDDEN}`);
}

const textOf = (value: unknown) => JSON.stringify(value) ?? "";

function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
