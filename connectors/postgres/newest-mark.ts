/** Where an incremental read of a table would stand if it had just read all of it. */
import type pg from "pg";
import type { Json, MarkRequest } from "../sdk/types.ts";
import type { Column, Table } from "./catalog.ts";
import type { Clients } from "./client.ts";
import { callFailure, serverTrouble, shapeChanged } from "./errors.ts";
import { decodeRow } from "./group-job.ts";
import { MOST_SEEN, type OpenMark, OpenRows, snapshotOf, tellsWriter, windowOf, writerSql } from "./late.ts";
import { watermarkColumn } from "./order.ts";
import { name, placeOf, relation } from "./sql.ts";
import { rawQuery, ShapeChanged } from "./transaction.ts";

/**
 * The newest watermark, how many rows have it, the oldest transaction that is open, and which rows within the window that one
 * or a later one has written: all of one snapshot.
 */
export async function newestMark(clients: Clients, table: Table, { field, signal }: MarkRequest): Promise<Json> {
  const column = watermarkColumn(clients.access.name, table, field);
  signal.throwIfAborted();
  return clients.use(async (client) => {
    try {
      await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      try {
        return await markOf(client, table, column);
      } finally {
        await client.query("ROLLBACK");
      }
    } catch (error) {
      if (shapeChanged(error)) throw new ShapeChanged(error);
      throw callFailure(clients.access, error, table.table) ?? serverTrouble(clients.access, error, table.table);
    }
  });
}

async function markOf(client: pg.Client, table: Table, column: Column): Promise<Json> {
  const w = `t.${name(column.name)}`;
  const [row] = await rawQuery(
    client,
    `SELECT m.w, (SELECT count(*) FROM ${relation(table)} t WHERE ${w} = m.w)
     FROM (SELECT max(${w}) AS w FROM ${relation(table)} t) m`,
    [],
  );
  const [newest, ties] = row!;
  if (newest === null || newest === undefined) return null;
  const open = await openMark(client, table, column, newest);
  return {
    at: decodeRow([placeOf(column)], [newest], 0)[column.name] ?? null,
    ties: Number(ties),
    ...(open ? { open } : {}),
  };
}

/** What a read of all rows up to the newest would know of late ones; undefined where it does not follow them. */
async function openMark(
  client: pg.Client,
  table: Table,
  column: Column,
  newest: string,
): Promise<OpenMark | undefined> {
  const window = windowOf(column);
  if (window === undefined || !tellsWriter(table)) return undefined;
  const snapshot = await snapshotOf(client);
  const rows = new OpenRows(snapshot, undefined, undefined);
  const w = `t.${name(column.name)}`;
  const columns = table.columns.map((one) => `t.${name(one.name)}`);
  const at = `$1::${column.base}`;
  const found = await rawQuery(
    client,
    `SELECT ${columns.join(", ")}, t.xmin::text FROM ${relation(table)} t
     WHERE ${w} > ${at} ${window} AND ${writerSql("$2::int8")} >= $3::int8 ORDER BY ${w} DESC LIMIT ${MOST_SEEN}`,
    [newest, snapshot.current.toString(), snapshot.from.toString()],
  );
  const places = table.columns.map(placeOf);
  for (const row of found.reverse()) rows.add(decodeRow(places, row, 0), row.at(-1) as string);
  return rows.mark;
}
