/** Lists are asked for in pages: `?limit=&cursor=` gives `{ items, next }` (DESIGN §8). */
import { z } from "zod";
import { Invalid } from "./errors.ts";

/** Items wanted: 1 to 1,000. Takes the text of a query string too, but only digits: " 5" and "1e2" are slips. */
const Count = z.preprocess(
  (value) => (typeof value === "string" && /^\d{1,4}$/.test(value) ? Number(value) : value),
  z.int("expected a number from 1 to 1000").min(1).max(1000),
);
/** 50 when nothing is said. */
export const Limit = Count.default(50);

/** A cursor that is the number of the last item seen. */
export const NumberCursor = z.string().regex(/^\d{1,18}$/, 'expected a cursor as the last answer gave it in "next"');

/** One page. `rows` holds up to `limit + 1` items: the one too many says that there is more. */
export function pageOf<T>(
  rows: T[],
  limit: number,
  cursorOf: (item: T) => string,
): { items: T[]; next: string | null } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}

/** Where an item stands in its list; parts are compared in turn. */
type Place = (string | number)[];

/**
 * One page of a list that is read as a whole. The cursor is a place, not an item, so it stays good when items come and
 * go between two pages.
 *
 * @param placeOf differs for every item; the page is in its order
 * @throws Invalid for a cursor that no answer gave
 */
export function pageOfWhole<T>(
  all: T[],
  { limit, cursor }: { limit: number; cursor?: string | undefined },
  placeOf: (item: T, index: number) => Place,
): { items: T[]; next: string | null } {
  const after = cursor === undefined ? undefined : readPlace(cursor);
  const placed = all.map((item, index) => ({ item, place: placeOf(item, index) }));
  const left = placed
    .filter(({ place }) => after === undefined || comparePlaces(place, after) > 0)
    .sort((a, b) => comparePlaces(a.place, b.place));
  const page = pageOf(left, limit, ({ place }) => Buffer.from(JSON.stringify(place)).toString("base64url"));
  return { items: page.items.map(({ item }) => item), next: page.next };
}

function comparePlaces(a: Place, b: Place): number {
  for (const [index, part] of a.entries()) {
    const other = b[index];
    if (other === undefined || part > other) return 1;
    if (part < other) return -1;
  }
  return 0;
}

const PlaceSchema = z.array(z.union([z.string(), z.number()])).min(1);

function readPlace(cursor: string): Place {
  try {
    return PlaceSchema.parse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
  } catch {
    const message = 'expected a cursor as the last answer gave it in "next"';
    throw new Invalid(`The request does not fit: “cursor” in the query: ${message}.`, [{ path: "cursor", message }]);
  }
}

/** The query of a list in the REST interface. */
export const PageQuery = z.object({ limit: Limit, cursor: z.string().max(2_000).optional() });
/** Of a list that is mostly wanted whole: 1,000 items when nothing is said. */
export const LongPageQuery = PageQuery.extend({ limit: Count.default(1000) });

/** The answer of a list in the REST interface. */
export const pageSchema = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item),
    next: z.string().nullable().describe("Cursor for the following page; null at the end"),
  });
