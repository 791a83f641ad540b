/** Reads a stream page by page: every record once, or a failure that says why not. */
import { IntegrationError, quote } from "../sdk/errors.ts";
import type { Http, HttpAnswer } from "../sdk/http.ts";
import type { Query } from "../sdk/http-address.ts";
import { isRecord, valueAt } from "../sdk/json.ts";
import { readMark, Ties } from "../sdk/ties.ts";
import type { Json, JsonRecord, ReadPage, ReadRequest, Unreadable } from "../sdk/types.ts";
import { keysOf, nextPosition, type Position, pageRequest } from "./paging.ts";
import type { HttpStream } from "./settings.ts";

/** What a cursor holds: a position, the records of that page already handed out, the newest watermark so far. */
type Cursor = { position: Position | null; skip: number; newest?: Json };

const start: Cursor = { position: { at: null, before: 0 }, skip: 0 };

/** One answer of the server with the list found in it. */
export async function fetchPage(
  http: Http,
  stream: HttpStream,
  position: Position,
  query: Query,
  signal: AbortSignal,
): Promise<{ answer: HttpAnswer; items: Json[] }> {
  const { path, query: asked } = pageRequest(stream, position, query);
  const answer = await http.request("GET", path, { query: asked, signal });
  return { answer, items: itemsOf(stream, answer.body) };
}

/** @throws IntegrationError "items-not-found" (settings) that names the path and what is there instead */
export function itemsOf(stream: HttpStream, body: Json): Json[] {
  const fail = (message: string) =>
    new IntegrationError(`Stream "${stream.name}": ${message}`, { kind: "settings", code: "items-not-found" });
  if (stream.items !== undefined) {
    const found = valueAt(body, stream.items);
    if (Array.isArray(found)) return found;
    if (found === null) return []; // some servers write an empty list as null
    const what = found === undefined ? "nothing there" : quote(found);
    throw fail(
      `expected the list of records at "${stream.items}", found ${what}; the answer holds ${keysOf(body)}. Correct the path of the list in the connection's settings.`,
    );
  }
  if (Array.isArray(body)) return body;
  const lists = isRecord(body) ? Object.entries(body).filter(([, value]) => Array.isArray(value)) : [];
  if (lists.length === 1) return lists[0]![1] as Json[];
  if (body === null) throw fail("the answer is empty, expected a list of records. Check the path of the stream.");
  throw fail(
    `the answer has ${lists.length === 0 ? "no list" : `${lists.length} lists (${lists.map(([name]) => quote(name)).join(", ")})`}; it holds ${keysOf(body)}. Name the path of the list in the connection's settings.`,
  );
}

/** Yields pages of at most `pageSize`; small server pages are put together, large ones cut. */
export async function* readStream(http: Http, stream: HttpStream, request: ReadRequest): AsyncIterable<ReadPage> {
  const { pageSize, signal, watermark } = request;
  if (watermark && watermark.field !== stream.changedAt)
    throw new IntegrationError(
      `Stream "${stream.name}" can be read incrementally by ${stream.changedAt ? quote(stream.changedAt) : "no field"}, the step asks for ${quote(watermark.field)}. Set "Field that grows with each change" in the connection's settings.`,
      { kind: "settings", code: "watermark-unknown" },
    );
  let { position, skip, newest } = readCursor(stream, request.cursor);
  const query: Query = { ...stream.query };
  if (watermark && stream.since && watermark.after !== null)
    query[stream.since.param] = formatSince(stream, readMark(watermark.after).at);
  const before = new Ties(watermark?.after ?? null, false);
  const ties = newest === undefined ? before : new Ties({ at: newest, seen: [] }, false);
  const seen = new Set<Position["at"]>();
  let left = request.limit ?? Number.POSITIVE_INFINITY;
  let page: { records: JsonRecord[]; unreadable: Unreadable[] } = { records: [], unreadable: [] };
  let ended = false;
  const size = () => page.records.length + page.unreadable.length;
  const take = (cursor: Cursor, last: boolean): ReadPage => {
    ended = last;
    const { records, unreadable } = page;
    page = { records: [], unreadable: [] };
    const done: ReadPage = {
      records,
      cursor: (newest === undefined ? cursor : { ...cursor, newest }) as unknown as Json,
    };
    if (unreadable.length > 0) done.unreadable = unreadable;
    // Unsorted: a record not read yet may be older than one read, so the watermark may only move at the end.
    if (watermark && newest !== undefined && (last || stream.sorted)) done.watermark = ties.mark;
    return done;
  };

  while (position !== null && left > 0) {
    signal.throwIfAborted();
    if (seen.has(position.at))
      throw new IntegrationError(
        `Stream "${stream.name}": the page ${quote(position.at)} was already read, so the pages go round in a circle. Check the paging in the connection's settings.`,
        {
          kind: "settings",
          code: "page-repeats",
        },
      );
    seen.add(position.at);
    const { answer, items } = await fetchPage(http, stream, position, query, signal);
    const next = nextPosition(stream, position, answer, items);
    for (let index = skip; index < items.length && left > 0; index++) {
      const item = items[index]!;
      const judged = judge(stream, watermark, item, position, index, newest, before);
      if (judged === "passed over") continue;
      if (judged === "record") {
        const record = item as JsonRecord;
        page.records.push(record);
        if (watermark) {
          const value = record[watermark.field] ?? null;
          const latest = newest ?? readMark(watermark.after).at;
          newest = later(newest, value);
          if (latest === null || compare(value, latest) > 0) ties.add(value, record);
          else if (compare(value, latest) === 0) ties.add(latest, record);
        }
      } else page.unreadable.push(judged);
      left--;
      const end = index + 1 === items.length;
      if (size() >= pageSize || left === 0)
        yield take(end ? { position: next, skip: 0 } : { position, skip: index + 1 }, end && next === null);
      signal.throwIfAborted();
    }
    if (left === 0) return;
    position = next;
    skip = 0;
  }
  if (position === null && !ended && (size() > 0 || (watermark && newest !== undefined)))
    yield take({ position: null, skip: 0 }, true);
}

function readCursor(stream: HttpStream, cursor: Json): Cursor {
  if (cursor === null) return start;
  const { position, skip, newest } = cursor as unknown as Cursor;
  const at = position?.at ?? null;
  if (typeof skip === "number" && (at === null || typeof at === "number" || typeof at === "string"))
    return { position, skip, newest };
  throw new IntegrationError(
    `Stream "${stream.name}": the stored position ${quote(cursor)} is not one of this connector. Start the run anew.`,
    {
      kind: "settings",
      code: "cursor-unknown",
    },
  );
}

type Watermark = ReadRequest["watermark"];

function judge(
  stream: HttpStream,
  watermark: Watermark,
  item: Json,
  position: Position,
  index: number,
  newest: Json | undefined,
  before: Ties,
): "record" | "passed over" | Unreadable {
  const place = `record ${position.before + index + 1}`;
  const unreadable = (data: JsonRecord, code: string, message: string): Unreadable => ({
    key: place,
    data,
    failure: new IntegrationError(`Stream "${stream.name}", ${place}: ${message}`, { kind: "rejected", code }).info,
  });
  if (!isRecord(item))
    return unreadable(
      { value: item },
      "item-not-a-record",
      `expected a record, found ${quote(item)}. Check the path of the list.`,
    );
  if (!watermark) return "record";
  const value = item[watermark.field];
  if (value === undefined || value === null || typeof value === "object")
    return unreadable(
      item,
      "watermark-missing",
      `expected a time of change in "${watermark.field}", found ${value === undefined ? "none" : quote(value)}.`,
    );
  const { at, seen } = readMark(watermark.after);
  if (at !== null) {
    const order = compare(value, at);
    if (order < 0 || (order === 0 && (!seen || before.known(at, item)))) return "passed over";
  }
  if (watermark.until !== undefined && watermark.until !== null && compare(value, watermark.until) > 0)
    return "passed over";
  if (stream.sorted && newest !== undefined && compare(value, newest) < 0)
    throw new IntegrationError(
      `Stream "${stream.name}" is set to come oldest change first, but ${place} has ${quote(value)} after ${quote(newest)}. Ask for that order in the query, or take the setting back.`,
      {
        kind: "settings",
        code: "not-sorted",
      },
    );
  return "record";
}

const later = (a: Json | undefined, b: Json): Json => (a === undefined || compare(b, a) > 0 ? b : a);

/** Orders watermarks: instants as moments, numbers as numbers, anything else as text. */
export function compare(a: Json, b: Json): number {
  if (isNumeric(a) && isNumeric(b)) return Number(a) - Number(b);
  const [x, y] = [String(a), String(b)];
  const moments = /^\d{4}-\d{2}-\d{2}[T ]/.test(x) && /^\d{4}-\d{2}-\d{2}[T ]/.test(y);
  const byTime = moments ? Date.parse(x) - Date.parse(y) : Number.NaN;
  // Digits beyond the millisecond are lost in the moment, so texts of one form are compared in full.
  if (Number.isNaN(byTime) || (byTime === 0 && x.length === y.length)) return x < y ? -1 : x > y ? 1 : 0;
  return byTime;
}

const isNumeric = (value: Json) =>
  typeof value === "number" || (typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value));

function formatSince(stream: HttpStream, after: Json): Json {
  const format = stream.since!.format;
  if (format === "as-is") return after;
  const time = typeof after === "number" ? (after > 1e11 ? after : after * 1000) : Date.parse(String(after));
  if (Number.isNaN(time))
    throw new IntegrationError(
      `Stream "${stream.name}": the watermark ${quote(after)} is no time, so it cannot be sent as "${format}".`,
      { kind: "settings", code: "watermark-no-time" },
    );
  if (format === "unix") return Math.floor(time / 1000);
  if (format === "unix-ms") return time;
  return format === "date" ? new Date(time).toISOString().slice(0, 10) : new Date(time).toISOString();
}
