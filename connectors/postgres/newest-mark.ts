/** Where an incremental read of a table would stand if it had just read all of it. */
import type { Json, MarkRequest } from "../sdk/types.ts";
import type { Table } from "./catalog.ts";
import type { Clients } from "./client.ts";
import { callFailure, serverTrouble, shapeChanged } from "./errors.ts";
import { decodeRow } from "./group-job.ts";
import { tellsWriter, windowOf } from "./late.ts";
import { watermarkColumn } from "./order.ts";
import { name, placeOf, relation } from "./sql.ts";
import { rawQuery, ShapeChanged } from "./transaction.ts";

/**
 * The newest watermark, how many rows have it, and the oldest transaction that is open: one statement, so one snapshot. Which rows
 * transactions that new have written is not noted: the next read takes those within its window once more.
 */
export async function newestMark(clients: Clients, table: Table, { field, signal }: MarkRequest): Promise<Json> {
  const column = watermarkColumn(clients.access.name, table, field);
  const place = placeOf(column);
  const w = `t.${name(column.name)}`;
  signal.throwIfAborted();
  return clients.use(async (client) => {
    try {
      const [row] = await rawQuery(
        client,
        `SELECT m.w, (SELECT count(*) FROM ${relation(table)} t WHERE ${w} = m.w), txid_snapshot_xmin(txid_current_snapshot())
         FROM (SELECT max(${w}) AS w FROM ${relation(table)} t) m`,
        [],
      );
      const [newest, ties, from] = row!;
      if (newest === null || newest === undefined) return null;
      const follows = tellsWriter(table) && windowOf(column) !== undefined;
      return {
        at: decodeRow([place], [newest], 0)[field] ?? null,
        ties: Number(ties),
        ...(follows ? { open: { from: from!, seen: {} } } : {}),
      };
    } catch (error) {
      if (shapeChanged(error)) throw new ShapeChanged(error);
      throw callFailure(clients.access, error, table.table) ?? serverTrouble(clients.access, error, table.table);
    }
  });
}
