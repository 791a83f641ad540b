/** Rows of a cursor in pages that are bounded by their size as well as by their number: a row may hold a megabyte. */
import type Cursor from "pg-cursor";
import type { Row } from "./transaction.ts";

/** Characters a page holds at most, but for the last rows fetched: copies of it go through steps, ledger and target. */
const PAGE_CHARACTERS = 8_000_000;
/** Rows asked for before anything is known of their size. */
const FIRST_ROWS = 50;

export type PageRows = { rows: Row[]; last: boolean };

/** @returns gives the next page, as large as its rows allow */
export function pagesOf(cursor: Pick<Cursor<Row>, "read">, pageSize: number): () => Promise<PageRows> {
  /** of the rows fetched last; 0: none yet */
  let perRow = 0;
  return async () => {
    const rows: Row[] = [];
    for (let characters = 0; rows.length < pageSize && characters < PAGE_CHARACTERS; ) {
      const fits = perRow === 0 ? FIRST_ROWS : Math.ceil((PAGE_CHARACTERS - characters) / perRow);
      const wanted = Math.min(pageSize - rows.length, fits);
      const found = await cursor.read(wanted);
      let size = 0;
      for (const row of found) {
        for (const text of row) size += text === null ? 0 : text.length;
        rows.push(row);
      }
      if (found.length < wanted) return { rows, last: true };
      characters += size;
      perRow = Math.max(1, size / found.length);
    }
    return { rows, last: false };
  };
}
