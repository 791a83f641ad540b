/** The ways REST systems hand out a long list. */
import type { Json, JsonRecord } from "../sdk/types.ts";
import type { FakeCollection } from "./fake-rest.ts";

/** after-id: `starting_after` takes the last record's id, the answer has `has_more` */
export type ListStyle = "none" | "page" | "offset" | "cursor" | "after-id" | "link" | "nextUrl";

/**
 * Filters: `updated_since` (records whose `changed_at` is later), and any other parameter that is a field's name (equality).
 * The lists come in the order of creation.
 */
export function listAnswer(
  place: FakeCollection,
  url: URL,
): { status: number; body: Json; headers?: Record<string, string> } {
  const query = url.searchParams;
  const number = (name: string, fallback: number) => Number(query.get(name) ?? fallback);
  let all: JsonRecord[] = [...place.records.values()];
  const since = query.get("updated_since");
  if (since !== null) all = all.filter((record) => String(record.changed_at) > since);
  const known = new Set(all.flatMap((record) => Object.keys(record)));
  for (const [name, value] of query) if (known.has(name)) all = all.filter((record) => String(record[name]) === value);
  const size = Math.min(number("limit", 100), place.maxPageSize);
  const address = (name: string, value: string | number) => {
    const next = new URL(url.pathname + url.search, `http://fake`);
    next.searchParams.set(name, String(value));
    return next.pathname + next.search;
  };
  switch (place.style) {
    case "none":
      return { status: 200, body: all };
    case "page": {
      const page = number("page", 1);
      return { status: 200, body: { data: all.slice((page - 1) * size, page * size), page, total: all.length } };
    }
    case "offset": {
      const offset = number("offset", 0);
      return { status: 200, body: { items: all.slice(offset, offset + size), offset } };
    }
    case "cursor": {
      // Opaque, as real ones are: the connector must hand it back as it came.
      const from = query.has("cursor") ? Number(Buffer.from(query.get("cursor")!, "base64url").toString().slice(2)) : 0;
      const next = from + size < all.length ? Buffer.from(`c:${from + size}`).toString("base64url") : null;
      return { status: 200, body: { data: { records: all.slice(from, from + size) }, meta: { next } } };
    }
    case "after-id": {
      const after = query.get("starting_after");
      const from = after === null ? 0 : all.findIndex((record) => String(record[place.key]) === after) + 1;
      return {
        status: 200,
        body: { object: "list", data: all.slice(from, from + size), has_more: from + size < all.length },
      };
    }
    case "link": {
      const page = number("page", 1);
      const more = page * size < all.length;
      const headers: Record<string, string> = more
        ? { link: `<${address("page", 1)}>; rel="first", <${address("page", page + 1)}>; rel="next"` }
        : {};
      return { status: 200, body: all.slice((page - 1) * size, page * size), headers };
    }
    case "nextUrl": {
      const offset = number("offset", 0);
      const next = offset + size < all.length ? address("offset", offset + size) : null;
      return { status: 200, body: { results: all.slice(offset, offset + size), count: all.length, next } };
    }
  }
}
