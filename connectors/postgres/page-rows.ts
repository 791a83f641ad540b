/** Rows of a read in pages that are bounded by their size as well as by their number: a row may hold a megabyte. */
import { FEW_ROWS, type Rows } from "./few-rows.ts";
import type { Row } from "./transaction.ts";

/** Characters a page holds at most, but for the last rows fetched: copies of it go through steps, ledger and target. */
const PAGE_CHARACTERS = 8_000_000;

export type PageRows = { rows: Row[]; last: boolean };

/** @returns gives the next page, as large as its rows allow */
export function pagesOf(from: Pick<Rows, "read">, pageSize: number): () => Promise<PageRows> {
  /** of the rows fetched last; 0: none yet */
  let perRow = 0;
  return async () => {
    const rows: Row[] = [];
    for (let characters = 0; rows.length < pageSize && characters < PAGE_CHARACTERS; ) {
      const fits = perRow === 0 ? FEW_ROWS : Math.ceil((PAGE_CHARACTERS - characters) / perRow);
      const wanted = Math.min(pageSize - rows.length, fits);
      const found = await from.read(wanted);
      const size = charactersOf(found);
      for (let at = 0; at < found.length; at++) rows.push(found[at]!);
      if (found.length < wanted) return { rows, last: true };
      characters += size;
      perRow = Math.max(1, size / found.length);
    }
    return { rows, last: false };
  };
}

/** By index: an asynchronous function rarely gets optimised, and then every step of an iterator leaves an object behind. */
function charactersOf(rows: Row[]): number {
  let size = 0;
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at]!;
    for (let column = 0; column < row.length; column++) size += row[column]?.length ?? 0;
  }
  return size;
}
