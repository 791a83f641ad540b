/** What identifies an event, so that a repeat is harmless. */
import { createHash, randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Json, JsonRecord } from "../../connectors/sdk/types.ts";
import { splitPath } from "../../engine/mapping/names.ts";
import type { SignatureScheme } from "../../engine/steps/webhook/schema.ts";

const LONGEST = 200;

/** Headers by which the senders of a signature scheme number their events. Stripe's number is in the body. */
const HEADERS: { [S in SignatureScheme]?: string } = {
  github: "x-github-delivery",
  shopify: "x-shopify-webhook-id",
};

/**
 * The flow's own field or header; else what the scheme's sender signs; else `webhook-id`; else the scheme's header; else a
 * new one, which nothing repeats. What is in the body goes first, as it is signed: a header that anyone may add must not
 * make a repeat look new.
 */
export function eventIdOf(
  hook: { eventId?: string; scheme: SignatureScheme },
  headers: IncomingHttpHeaders,
  record: JsonRecord | undefined,
): string {
  const scheme = HEADERS[hook.scheme];
  const found =
    (hook.eventId === undefined ? undefined : (field(record, hook.eventId) ?? header(headers, hook.eventId))) ??
    (hook.scheme === "stripe" ? field(record, "id") : undefined) ??
    header(headers, "webhook-id") ??
    (scheme === undefined ? undefined : header(headers, scheme));
  return found === undefined ? randomUUID() : fitting(found);
}

/** `body`: JSON text, where it is not the whole body. */
export type Taken = { eventId: string; body?: string };

/**
 * A list whose records have ids of their own, in the flow's field, is as many events: one may be a repeat, its neighbour
 * not. Records with the same id stay together. Where the sender waits for one answer, a list is one event, known by all ids.
 */
export function eventsOf(
  hook: Parameters<typeof eventIdOf>[0],
  headers: IncomingHttpHeaders,
  records: JsonRecord[],
  whole: boolean,
): Taken[] {
  const { eventId } = hook;
  const byId = Map.groupBy(records, (record) => (eventId === undefined ? undefined : field(record, eventId)));
  if (byId.size < 2) return [{ eventId: eventIdOf(hook, headers, records[0]) }];
  const idOf = (id: string | undefined) => (id === undefined ? eventIdOf(hook, headers, undefined) : fitting(id));
  if (whole) return [{ eventId: fitting(JSON.stringify([...byId.keys()].map(idOf))) }];
  return [...byId].map(([id, own]) => ({ eventId: idOf(id), body: JSON.stringify(own) }));
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  const text = Array.isArray(value) ? value[0] : value;
  return text === undefined || text.trim() === "" ? undefined : text.trim();
}

function field(record: JsonRecord | undefined, path: string): string | undefined {
  let value: Json | undefined = record;
  if (record && Object.hasOwn(record, path)) value = record[path];
  else
    for (const part of splitPath(path)) {
      if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, part))
        return undefined;
      value = value[part];
    }
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

/** Long or unstorable ids by their digest. */
function fitting(id: string): string {
  if (id.length <= LONGEST && !id.includes("\u0000") && id.isWellFormed()) return id;
  return `sha256:${createHash("sha256").update(id).digest("hex")}`;
}
