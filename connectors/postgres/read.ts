/** Reads a table in pages from one snapshot, by a cursor in a database session of its own. */
import type pg from "pg";
import Cursor from "pg-cursor";
import { readMark, Ties } from "../sdk/ties.ts";
import type { ReadPage, ReadRequest } from "../sdk/types.ts";
import type { Table } from "./catalog.ts";
import { type Clients, rawTypes } from "./client.ts";
import { callFailure, serverTrouble, shapeChanged } from "./errors.ts";
import { decodeRow } from "./group-job.ts";
import { countTies, planRead, type ReadPlan } from "./order.ts";
import { placeOf } from "./sql.ts";
import { type Row, ShapeChanged } from "./transaction.ts";

/** A first page may have to sort a large table; a slow consumer may leave the transaction idle for long. */
const begin =
  "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '15min'; SET LOCAL idle_in_transaction_session_timeout = 0";

export async function* readTable(clients: Clients, table: Table, request: ReadRequest): AsyncGenerator<ReadPage> {
  const { signal } = request;
  signal.throwIfAborted();
  planRead(clients.access.name, table, request); // refuses what cannot be asked, before connecting
  if (request.limit !== undefined && request.limit <= 0) return;
  const client = await clients.dedicated();
  const stop = () => {
    void clients.cancel(client).then(() => clients.end(client));
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    await client.query(begin);
    const again = await readsTiesAgain(client, clients.access.name, table, request);
    yield* pages(client, table, planRead(clients.access.name, table, request, again), request, again);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (shapeChanged(error)) throw new ShapeChanged(error);
    throw callFailure(clients.access, error, table.table) ?? serverTrouble(clients.access, error, table.table);
  } finally {
    signal.removeEventListener("abort", stop);
    await clients.end(client);
  }
}

/** Whether rows with the very watermark of the start are looked at again: always when they are known one by one. */
async function readsTiesAgain(client: pg.Client, connection: string, table: Table, request: ReadRequest) {
  const { seen } = readMark(request.watermark?.after ?? null);
  if (seen) return true;
  const count = countTies(connection, table, request);
  if (!count) return false;
  const { rows } = await client.query<{ count: number }>(count.text, count.values);
  return rows[0]!.count > count.known;
}

async function* pages(
  client: pg.Client,
  table: Table,
  plan: ReadPlan,
  request: ReadRequest,
  again: boolean,
): AsyncGenerator<ReadPage> {
  const { signal, pageSize } = request;
  const places = table.columns.map(placeOf);
  const cursor = client.query(new Cursor<Row>(plan.text, plan.values, { rowMode: "array", types: rawTypes }));
  const field = plan.watermarkAt === undefined ? undefined : table.columns[plan.watermarkAt]!.name;
  const ties = new Ties(request.watermark?.after ?? null, again);
  let left = request.limit ?? Number.POSITIVE_INFINITY;
  while (left > 0) {
    const rows = await untilAborted(cursor.read(pageSize), signal);
    const page: ReadPage = { records: [], cursor: null };
    for (const row of rows) {
      page.cursor = plan.advance(row);
      const record = decodeRow(places, row, 0);
      if (field !== undefined) {
        const value = record[field] ?? null;
        if (ties.known(value, record)) continue;
        if (value !== null) ties.add(value, record);
      }
      page.records.push(record);
      left--;
      if (left === 0) break;
    }
    if (page.records.length > 0) {
      if (field !== undefined) page.watermark = ties.mark;
      yield page;
      signal.throwIfAborted();
    }
    if (rows.length < pageSize) return;
  }
}

/** Rejects as soon as the signal does, whatever the server is busy with. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return new Promise((done, fail) => {
    const stop = () => fail(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    work.then(done, fail).finally(() => signal.removeEventListener("abort", stop));
  });
}
