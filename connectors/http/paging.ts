/**
 * How each kind of paging asks for a page and finds the next. Every known trap ends in a typed failure: a server that
 * ignores the page number, a cursor that comes back, a list that shrinks while it is read, "there is more" with no way on.
 */
import { createHash } from "node:crypto";
import { IntegrationError, quote } from "../sdk/errors.ts";
import type { HttpAnswer } from "../sdk/http.ts";
import type { Query } from "../sdk/http-address.ts";
import { isRecord, valueAt } from "../sdk/json.ts";
import type { Json } from "../sdk/types.ts";
import type { HttpStream, Paging } from "./settings.ts";

/** Where a page begins, as it is kept in cursors. */
export type Position = {
  /** page number, offset, cursor or whole URL; null = the first page */
  at: number | string | null;
  /** records before this page, for checks against the total */
  before: number;
  /** the total the first answer named */
  total?: number;
  /** fingerprint of the page before */
  print?: string;
};

export type PageRequest = { path: string; query: Query };

const fail = (stream: HttpStream, code: string, message: string) =>
  new IntegrationError(`Stream "${stream.name}": ${message}`, { kind: "settings", code });

export function pageRequest(stream: HttpStream, position: Position, query: Query): PageRequest {
  const paging = stream.paging;
  const { at } = position;
  if (typeof at === "string" && paging?.kind !== "cursor") return { path: at, query: {} }; // the next URL has its query
  const asked: Query = { ...query };
  if (paging && "sizeParam" in paging && paging.sizeParam) asked[paging.sizeParam] = paging.size;
  if (paging?.kind === "page") asked[paging.param] = at ?? paging.first;
  if (paging?.kind === "offset") asked[paging.param] = at ?? 0;
  if (paging?.kind === "cursor" && at !== null) asked[paging.param] = at;
  return { path: stream.path, query: asked };
}

/**
 * The page after this one; null at the end.
 *
 * @param count records on this page
 * @throws IntegrationError (settings) for every trap named above
 */
export function nextPosition(
  stream: HttpStream,
  position: Position,
  answer: HttpAnswer,
  items: Json[],
): Position | null {
  const { paging } = stream;
  const total = totalOf(paging, answer);
  const before = position.before + items.length;
  checkTotal(stream, position, total);
  const print = fingerprint(items);
  if (items.length > 0 && print === position.print)
    throw fail(
      stream,
      "page-repeats",
      `the page after ${quote(position.at)} holds the same records as the one before it, so ${howIgnored(paging)}. Check the paging in the connection's settings.`,
    );
  const at = nextAt(stream, position, answer, items.length, total);
  if (at === null) {
    const counted = paging?.kind === "page" || paging?.kind === "offset";
    const named = position.total ?? total;
    if (counted && named !== undefined && before < named)
      throw fail(
        stream,
        "list-ended-early",
        `the answer names ${named} records in all, but the pages ended after ${before}. Check the page size and the path of the list.`,
      );
    return null;
  }
  if (at === position.at)
    throw fail(
      stream,
      "page-repeats",
      `the next page is named ${quote(at)} again and again. Check the paging in the connection's settings.`,
    );
  const next: Position = { at, before, print };
  const kept = position.total ?? total;
  if (kept !== undefined) next.total = kept;
  return next;
}

function howIgnored(paging: Paging | undefined): string {
  if (paging?.kind === "page" || paging?.kind === "offset" || paging?.kind === "cursor")
    return `the server seems to ignore the query parameter "${paging.param}"`;
  return "the server seems to send the same page again";
}

function nextAt(
  stream: HttpStream,
  { at, before }: Position,
  answer: HttpAnswer,
  count: number,
  total: number | undefined,
): Position["at"] {
  const { paging } = stream;
  switch (paging?.kind) {
    case "page":
    case "offset": {
      // A short page is no end: servers cap the size, or filter after paging. Only an empty page or the total ends it.
      if (count === 0 || (total !== undefined && before + count >= total)) return null;
      return paging.kind === "page" ? Number(at ?? paging.first) + 1 : Number(at ?? 0) + count;
    }
    case "cursor": {
      const more = paging.more === undefined ? undefined : valueAt(answer.body, paging.more);
      if (more === false) return null;
      const next = valueAt(answer.body, paging.next);
      if (next === undefined || next === null || next === "" || next === false) {
        if (more === true || (more === undefined && saysMore(answer.body)))
          throw fail(
            stream,
            "next-missing",
            `the answer says there is more, but has no cursor at ${quote(paging.next)}; it holds ${keysOf(answer.body)}. Correct the path of the next cursor.`,
          );
        return null;
      }
      if (typeof next === "object")
        throw fail(
          stream,
          "next-missing",
          `the cursor at ${quote(paging.next)} is ${quote(next)}, not a text or number.`,
        );
      return typeof next === "number" ? next : String(next);
    }
    case "nextUrl": {
      const next = valueAt(answer.body, paging.next);
      if (typeof next === "string" && next !== "") return new URL(next, answer.url).href;
      if (saysMore(answer.body))
        throw fail(
          stream,
          "next-missing",
          `the answer says there is more, but has no address at ${quote(paging.next)}; it holds ${keysOf(answer.body)}. Correct the path.`,
        );
      return null;
    }
    case "link":
      return linkNext(answer);
    default:
      return unpaged(stream, answer, count, total);
  }
}

/** Without paging, any sign of a second page is either followed (Link header) or a failure: never a silent cut. */
function unpaged(stream: HttpStream, answer: HttpAnswer, count: number, total: number | undefined): string | null {
  const next = linkNext(answer);
  if (next !== null && !stream.paging) return next;
  if (next !== null || saysMore(answer.body) || (total !== undefined && total > count && count > 0))
    throw fail(
      stream,
      "paging-needed",
      `the answer holds ${count} records and says there are more${total === undefined ? "" : ` (${total} in all)`}. Choose the kind of paging in the connection's settings.`,
    );
  return null;
}

/** The address of rel="next" in the Link header (RFC 8288). */
function linkNext(answer: HttpAnswer): string | null {
  for (const found of (answer.headers.link ?? "").matchAll(/<([^>]*)>([^<]*)/g))
    if (/;\s*rel\s*=\s*("[^"]*\bnext\b[^"]*"|next\b)/i.test(found[2]!)) return new URL(found[1]!, answer.url).href;
  return null;
}

/** The words under which interfaces say that there is another page. */
function saysMore(body: Json): boolean {
  if (!isRecord(body)) return false;
  for (const part of [body, body.meta, body.pagination, body.paging, body.page_info, body.pageInfo]) {
    if (!isRecord(part)) continue;
    for (const name of ["has_more", "hasMore", "more", "hasNextPage", "has_next_page", "has_next"])
      if (part[name] === true) return true;
    for (const name of [
      "next",
      "next_page",
      "nextPage",
      "next_cursor",
      "nextCursor",
      "nextPageToken",
      "next_page_token",
      "@odata.nextLink",
    ])
      if (typeof part[name] === "string" && part[name] !== "") return true;
  }
  return false;
}

function totalOf(paging: Paging | undefined, answer: HttpAnswer): number | undefined {
  const path = paging && "total" in paging ? paging.total : undefined;
  const places = path
    ? [path]
    : [
        "total",
        "totalCount",
        "total_count",
        "meta.total",
        "meta.total_count",
        "pagination.total",
        "paging.total",
        "@odata.count",
      ];
  const found =
    places.map((place) => valueAt(answer.body, place)).find((value) => typeof value === "number") ??
    answer.headers["x-total-count"];
  const total = Number(found ?? Number.NaN);
  return Number.isInteger(total) && total >= 0 ? total : undefined;
}

function checkTotal(stream: HttpStream, position: Position, total: number | undefined): void {
  const kind = stream.paging?.kind;
  if (
    (kind !== "page" && kind !== "offset") ||
    total === undefined ||
    position.total === undefined ||
    total >= position.total
  )
    return;
  throw fail(
    stream,
    "list-shrank",
    `the list went from ${position.total} to ${total} records while it was read, so pages have moved and records may have been passed over. Run again from the start, or use paging by cursor.`,
  );
}

/** The names at the top of an answer, for messages. */
export function keysOf(body: Json): string {
  if (Array.isArray(body)) return `a list of ${body.length}`;
  if (!isRecord(body)) return quote(body);
  const names = Object.keys(body);
  return names.length === 0
    ? "nothing"
    : names
        .slice(0, 12)
        .map((name) => quote(name))
        .join(", ");
}

function fingerprint(items: Json[]): string | undefined {
  if (items.length === 0) return undefined;
  return createHash("sha256")
    .update(JSON.stringify([items.length, items[0], items.at(-1)]))
    .digest("base64url")
    .slice(0, 16);
}
