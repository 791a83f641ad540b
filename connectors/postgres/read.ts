/** Reads a table in pages from one snapshot, by a cursor in a database session of its own. */
import type pg from "pg";
import Cursor from "pg-cursor";
import type { Json, ReadPage, ReadRequest } from "../sdk/types.ts";
import type { Table } from "./catalog.ts";
import { type Clients, rawTypes } from "./client.ts";
import { callFailure, serverTrouble, shapeChanged } from "./errors.ts";
import { decodeRow } from "./group-job.ts";
import { planRead, type ReadPlan } from "./order.ts";
import { placeOf } from "./sql.ts";
import { type Row, ShapeChanged } from "./transaction.ts";

/** A first page may have to sort a large table; a slow consumer may leave the transaction idle for long. */
const begin =
  "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '15min'; SET LOCAL idle_in_transaction_session_timeout = 0";

export async function* readTable(clients: Clients, table: Table, request: ReadRequest): AsyncGenerator<ReadPage> {
  const { signal } = request;
  signal.throwIfAborted();
  const plan = planRead(clients.access.name, table, request);
  if (request.limit !== undefined && request.limit <= 0) return;
  const client = await clients.dedicated();
  const stop = () => {
    void clients.cancel(client).then(() => clients.end(client));
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    await client.query(begin);
    yield* pages(client, table, plan, request);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (shapeChanged(error)) throw new ShapeChanged(error);
    throw callFailure(clients.access, error, table.table) ?? serverTrouble(clients.access, error, table.table);
  } finally {
    signal.removeEventListener("abort", stop);
    await clients.end(client);
  }
}

async function* pages(client: pg.Client, table: Table, plan: ReadPlan, request: ReadRequest): AsyncGenerator<ReadPage> {
  const { signal, pageSize } = request;
  const places = table.columns.map(placeOf);
  const cursor = client.query(new Cursor<Row>(plan.text, plan.values, { rowMode: "array", types: rawTypes }));
  let watermark: Json = request.watermark?.after ?? null;
  for (;;) {
    const rows = await untilAborted(cursor.read(pageSize), signal);
    if (rows.length === 0) return;
    const page: ReadPage = { records: [], cursor: null };
    for (const row of rows) {
      page.records.push(decodeRow(places, row, 0));
      page.cursor = plan.advance(row);
    }
    if (plan.watermarkAt !== undefined) {
      watermark = page.records.at(-1)![table.columns[plan.watermarkAt]!.name] ?? watermark;
      page.watermark = watermark;
    }
    yield page;
    signal.throwIfAborted();
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
