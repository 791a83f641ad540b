/** Lists are asked for in pages: `?limit=&cursor=` gives `{ items, next }` (DESIGN §8). */
import { z } from "zod";

/** Items wanted: 1 to 1,000, 50 when nothing is said. Takes the text of a query string too. */
export const Limit = z.coerce.number().int().min(1).max(1000).default(50);

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

/** The query of a list in the REST interface. */
export const PageQuery = z.object({ limit: Limit, cursor: z.string().max(500).optional() });

/** The answer of a list in the REST interface. */
export const pageSchema = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item),
    next: z.string().nullable().describe("Cursor for the following page; null at the end"),
  });
