/**
 * Rows of a read, asked for as few at a time as the reader likes. A cursor is opened and closed on two ways to the server; a
 * read that found few rows last time is asked for them all at once, on one way, and opens a cursor only when there are more.
 */
import type pg from "pg";
import Cursor from "pg-cursor";
import type { Table } from "./catalog.ts";
import { rawTypes } from "./client.ts";
import type { ReadPlan } from "./order.ts";
import type { Row } from "./transaction.ts";

/** Rows asked for before anything is known of their size; so many are few. */
export const FEW_ROWS = 50;

export type Rows = {
  /** the next rows, fewer than `count` when these are the last */
  read(count: number): Promise<Row[]>;
  close(): Promise<void>;
};

/** Reads that found few rows last time, and the names they are prepared under: by the table as it was seen, then by SQL. */
const foundFew = new WeakMap<Table, Map<string, string>>();
/** Positions are parameters, so that a table has few of them; ragged requests could still add up. */
const MOST_REMEMBERED = 100;
let names = 0;

export function rowsOf(client: pg.ClientBase, table: Table, plan: ReadPlan): Rows {
  const few = foundFew.get(table) ?? new Map<string, string>();
  foundFew.set(table, few);
  const name = plan.limited ? undefined : few.get(plan.text);
  let all: Row[] | undefined;
  let cursor: Cursor<Row> | undefined;
  let read = 0;

  async function atOnce(prepared: string): Promise<Row[] | undefined> {
    const text = `${plan.text} LIMIT ${FEW_ROWS + 1}`;
    const query = { name: prepared, text, values: plan.values, rowMode: "array" as const, types: rawTypes };
    const { rows } = await client.query<Row>(query);
    if (rows.length <= FEW_ROWS) return rows;
    few.delete(plan.text);
    return undefined;
  }

  return {
    async read(count) {
      if (cursor === undefined && all === undefined && name !== undefined) all = await atOnce(name);
      if (all !== undefined) return all.splice(0, count);
      cursor ??= client.query(new Cursor<Row>(plan.text, plan.values, { rowMode: "array", types: rawTypes }));
      const found = await cursor.read(count);
      read += found.length;
      if (found.length < count && read <= FEW_ROWS && !plan.limited) {
        if (few.size >= MOST_REMEMBERED) few.clear();
        few.set(plan.text, few.get(plan.text) ?? `plumbline_few_${++names}`);
      }
      return found;
    },
    close: async () => await cursor?.close(),
  };
}
