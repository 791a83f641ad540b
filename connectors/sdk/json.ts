/** JSON in and out without losing digits, and small helpers to reach into it. */
import { IntegrationError, quote } from "./errors.ts";
import type { Json, JsonRecord } from "./types.ts";

/**
 * Parses JSON; integers and decimals that a JS number cannot hold exactly become text with all their digits.
 *
 * @throws SyntaxError as `JSON.parse` does
 */
export function parseJson(text: string): Json {
  // The reviver costs several times the plain parse, so it runs only where 16 digits or an exponent of three make it needed.
  if (!/\d{16}|\d[\d.]{16}|\d[eE][+-]?\d{3}/.test(text)) return JSON.parse(text) as Json;
  const exact = (_: string, value: unknown, context: { source?: string }) => {
    if (typeof value !== "number" || context.source === undefined) return value;
    const digits = context.source.replace(/^-|\.|e.*$/gi, "").replace(/^0+/, "");
    if (!Number.isFinite(value) || (value === 0 && digits !== "")) return context.source;
    return digits.length >= 16 && String(value) !== context.source ? context.source : value;
  };
  return (JSON.parse as (text: string, reviver: typeof exact) => Json)(text, exact);
}

const jsonNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const { rawJSON } = JSON as unknown as { rawJSON(text: string): Json };

/** Decimal text as a JSON number with all its digits; other text stays as it is. Only for `JSON.stringify`. */
export const numberFromText = (text: string): Json => (jsonNumber.test(text) ? rawJSON(text) : text);

export const isRecord = (value: Json | undefined): value is JsonRecord =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/**
 * The value at a dot path ("data.items", "data.-1.id": the last one); undefined when it does not exist. A name with dots of its own
 * ("@odata.nextLink") is found too, where nothing nested goes by that path.
 */
export function valueAt(value: Json | undefined, path: string): Json | undefined {
  const parts = path.split(".").filter((one) => one !== "" && one !== "$");
  return found(value, parts);
}

function found(value: Json | undefined, parts: string[]): Json | undefined {
  if (parts.length === 0) return value;
  if (Array.isArray(value)) return found(value.at(Number(parts[0])), parts.slice(1));
  if (!isRecord(value)) return undefined;
  for (let length = 1; length <= parts.length; length++) {
    const name = parts.slice(0, length).join(".");
    const at = Object.hasOwn(value, name) ? found(value[name], parts.slice(length)) : undefined;
    if (at !== undefined) return at;
  }
  return undefined;
}

const variable = /\{([^{}]+)\}/g;

/** Names in braces: `variablesOf("/a/{id}")` → ["id"]. */
export const variablesOf = (template: string): string[] => [...template.matchAll(variable)].map((found) => found[1]!);

/**
 * Fills `{field}` in a path, each value URL-encoded.
 *
 * @throws IntegrationError "missing-path-value" (rejected) when the record has no value for one
 */
export function fillPath(template: string, find: (name: string) => Json | undefined): string {
  return template.replace(variable, (_, name: string) => {
    const value = find(name);
    if (value === undefined || value === null || value === "" || typeof value === "object")
      throw new IntegrationError(
        `The address ${quote(template)} needs a value for "${name}", and this record has ${value === undefined ? "none" : quote(value)}. Map "${name}", or name another field in the address.`,
        { kind: "rejected", code: "missing-path-value", field: name },
      );
    // a lone "." or ".." is not changed by URL-encoding and would climb out of the path
    return /^\.{1,2}$/.test(String(value)) ? String(value).replaceAll(".", "%2E") : encodeURIComponent(String(value));
  });
}

/** Fills a body template: a text that is just `{field}` takes the value with its type, others are put together as text. */
export function fillBody(template: Json, find: (name: string) => Json | undefined): Json {
  if (typeof template === "string") {
    const whole = /^\{([^{}]+)\}$/.exec(template);
    if (whole) return find(whole[1]!) ?? null;
    return template.replace(variable, (_, name: string) => {
      const value = find(name);
      return value === undefined || value === null
        ? ""
        : typeof value === "object"
          ? JSON.stringify(value)
          : String(value);
    });
  }
  if (Array.isArray(template)) return template.map((part) => fillBody(part, find));
  if (!isRecord(template)) return template;
  return Object.fromEntries(Object.entries(template).map(([name, part]) => [name, fillBody(part, find)]));
}

const decimal = /^-?\d+(\.\d+)?$/;
const plainDecimal = (text: string) =>
  text
    .replace(/^(-?)0+(?=\d)/, "$1")
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "")
    .replace(/^-0$/, "0");
const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/;

/**
 * Whether a value sent and a value read back mean the same: null equals absent, a number equals the same decimal text,
 * two instants are compared as moments, records and lists by their parts (fields the other side added are ignored).
 */
export function sameValue(sent: Json | undefined, stored: Json | undefined): boolean {
  if (sent === undefined || sent === null) return stored === undefined || stored === null;
  if (stored === undefined || stored === null) return false;
  if (typeof sent === "number" && typeof stored === "string") return sameValue(stored, sent);
  if (typeof sent === "string" && typeof stored === "number")
    return decimal.test(sent) && plainDecimal(sent) === plainDecimal(String(stored));
  if (typeof sent === "string" && typeof stored === "string")
    return sent === stored || (instant.test(sent) && instant.test(stored) && Date.parse(sent) === Date.parse(stored));
  if (Array.isArray(sent) && Array.isArray(stored))
    return sent.length === stored.length && sent.every((part, index) => sameValue(part, stored[index]));
  if (isRecord(sent) && isRecord(stored)) return Object.keys(sent).every((name) => sameValue(sent[name], stored[name]));
  return sent === stored;
}
