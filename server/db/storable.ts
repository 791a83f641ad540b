import { z } from "zod";
import { Invalid } from "../errors.ts";

/**
 * Refuses text PostgreSQL cannot keep: the character U+0000 and halves of surrogate pairs.
 *
 * @param what how a person calls the value: "the flow document"
 * @throws Invalid naming the place
 */
export function refuseUnstorable(value: unknown, what: string): void {
  const path = placeOfUnstorable(value, "");
  if (path === undefined) return;
  const message = "expected plain text, found a character that cannot be stored (U+0000 or half a surrogate pair)";
  throw new Invalid(`${what}${path === "" ? "" : `, “${path}”`}: ${message}. Remove it.`, [{ path, message }]);
}

function placeOfUnstorable(value: unknown, path: string): string | undefined {
  if (typeof value === "string") return isStorable(value) ? undefined : path;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    const place = path === "" ? name : `${path}.${name}`;
    if (!isStorable(name)) return path;
    const found = placeOfUnstorable(inner, place);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Text that can be stored or asked for. */
export const storableText = (longest: number) =>
  z.string().max(longest).refine(isStorable, "expected plain text, found U+0000 or half a surrogate pair");

/** An id as a person or program sends it. */
export const AnyId = storableText(200);

function isStorable(text: string): boolean {
  return !text.includes("\u0000") && text.isWellFormed();
}

// JSON.stringify escapes both, and of other characters nothing that looks like them; an escaped backslash is passed over.
const UNSTORABLE_ESCAPE = /\\(?:u(?:0000|d[89a-f][0-9a-f]{2})|.)/g;
const HAS_UNSTORABLE = /\\u(?:0000|d[89a-f])/;

/**
 * JSON text of what others sent, with U+FFFD for what PostgreSQL cannot keep (U+0000 and halves of surrogate pairs): such a
 * record has to be shown and settled like any other. Sinks that cannot take the characters refuse the record by themselves.
 */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value);
  if (!HAS_UNSTORABLE.test(json)) return json;
  return json.replace(UNSTORABLE_ESCAPE, (found) => (found.length > 2 ? "\ufffd" : found));
}
