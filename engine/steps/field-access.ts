import type { Json, JsonRecord } from "../../connectors/sdk/types.ts";
import { splitPath } from "../mapping/names.ts";

export type Reader = (record: JsonRecord) => Json | undefined;

/**
 * Reads the field that a path names: the field of that very name, else the path into nested records; over a list, the
 * field of each item. undefined when it is absent. Never reaches what objects inherit.
 */
export function readerOf(path: string): Reader {
  const parts = splitPath(path);
  const [only] = parts;
  if (parts.length === 1 && only === path) {
    if (path in Object.prototype) return (record) => (Object.hasOwn(record, path) ? record[path] : undefined);
    return (record) => record[path];
  }
  return (record) => (Object.hasOwn(record, path) ? record[path] : follow(record, parts, 0));
}

function follow(value: Json | undefined, parts: readonly string[], at: number): Json | undefined {
  if (at === parts.length || value === null || value === undefined) return value;
  if (Array.isArray(value)) return value.map((item) => follow(item, parts, at) ?? null);
  const name = parts[at]!;
  if (typeof value !== "object" || !Object.hasOwn(value, name)) return undefined;
  return follow(value[name], parts, at + 1);
}

/** Nothing there: absent, null, or text of blanks only. */
export function isEmpty(value: Json | undefined): boolean {
  if (value === null || value === undefined || value === "") return true;
  if (typeof value !== "string") return false;
  const code = value.charCodeAt(0);
  return (code <= 32 || code >= 0xa0) && value.trim() === "";
}

/**
 * Parts of a key as one text: joined with "|", where "|" and "\" inside a part are escaped by "\", as are the characters no
 * database keeps (U+0000, halves of surrogate pairs).
 */
export function joinKey(parts: readonly string[]): string {
  return parts.length === 1 ? escapePart(parts[0]!) : parts.map(escapePart).join("|");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: U+0000 is what is looked for
const ODD = /[|\\\u0000\ud800-\udfff]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above; with the flag u only halves of pairs are surrogates
const ESCAPED = /[|\\\u0000\p{Surrogate}]/gu;
const hex = (char: string) => char.charCodeAt(0).toString(16).padStart(4, "0");

function escapePart(part: string): string {
  if (!ODD.test(part)) return part;
  return part.replace(ESCAPED, (odd) => (odd === "|" || odd === "\\" ? `\\${odd}` : `\\u${hex(odd)}`));
}

/** A value as part of a key: text as it is, numbers and booleans as their text, others as JSON. */
export function keyText(value: Json): string {
  return typeof value === "string" ? value : typeof value === "object" ? JSON.stringify(value) : String(value);
}
