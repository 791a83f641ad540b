/** Reads a table in pages from one snapshot, by a cursor in a database session of its own. */
import type pg from "pg";
import { readMark, Ties } from "../sdk/ties.ts";
import type { Json, JsonRecord, ReadPage, ReadRequest } from "../sdk/types.ts";
import type { Table } from "./catalog.ts";
import type { Clients } from "./client.ts";
import { callFailure, serverTrouble, shapeChanged } from "./errors.ts";
import { rowsOf } from "./few-rows.ts";
import { decodeRow } from "./group-job.ts";
import { type OpenMark, OpenRows, openMarkOf, snapshotOf, tellsWriter, windowOf } from "./late.ts";
import { countTies, planRead, type ReadPlan, watermarkColumn } from "./order.ts";
import { pagesOf } from "./page-rows.ts";
import { placeOf } from "./sql.ts";
import { ShapeChanged } from "./transaction.ts";

export async function* readTable(clients: Clients, table: Table, request: ReadRequest): AsyncGenerator<ReadPage> {
  const { signal } = request;
  signal.throwIfAborted();
  planRead(clients.access.name, table, request); // refuses what cannot be asked, before connecting
  if (request.limit !== undefined && request.limit <= 0) return;
  const client = await clients.dedicated();
  // without a watermark what is used of it comes from one statement, which by itself is the transaction
  const several = request.watermark !== undefined;
  let whole = false;
  const stop = () => {
    void clients.cancel(client).then(() => clients.end(client));
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (several) await client.query("BEGIN");
    yield* readSnapshot(client, clients.access.name, table, request);
    if (several) await client.query("COMMIT");
    whole = true;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (shapeChanged(error)) throw new ShapeChanged(error);
    throw callFailure(clients.access, error, table.table) ?? serverTrouble(clients.access, error, table.table);
  } finally {
    signal.removeEventListener("abort", stop);
    await (whole && !signal.aborted ? clients.rest(client) : clients.end(client));
  }
}

async function* readSnapshot(
  client: pg.Client,
  name: string,
  table: Table,
  request: ReadRequest,
): AsyncGenerator<ReadPage> {
  const again = await readsTiesAgain(client, name, table, request);
  const late = await followsLate(client, name, table, request);
  const { position, open } = splitCursor(request.cursor);
  const rest = { ...request, cursor: position };
  if (!late) return yield* pages(client, table, planRead(name, table, rest, again), rest, again);
  const { snapshot } = late;
  const before = openMarkOf(request.watermark?.after);
  const rows = new OpenRows(snapshot, before, open);
  let left = request.limit;
  if (before && (position === null || isLate(position))) {
    const writers = { current: snapshot.current, lateFrom: BigInt(before.from) };
    const from = isLate(position) ? position.late : null;
    for await (const page of latePages(
      client,
      table,
      planRead(name, table, { ...rest, cursor: from }, false, writers),
      rest,
      rows,
    )) {
      yield page;
      if (left !== undefined) left -= page.records.length;
    }
    if (left !== undefined && left <= 0) return;
  }
  const main = {
    ...rest,
    cursor: isLate(position) ? null : position,
    ...(left === undefined ? {} : { limit: left }),
  };
  const plan = planRead(name, table, main, again, { current: snapshot.current });
  yield* pages(client, table, plan, main, again, rows);
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

/** Late rows are looked for where rows tell who wrote them, and the watermark has a distance to look back. */
async function followsLate(client: pg.Client, connection: string, table: Table, request: ReadRequest) {
  if (!request.watermark || request.watermark.until !== undefined || !tellsWriter(table)) return undefined;
  if (windowOf(watermarkColumn(connection, table, request.watermark.field)) === undefined) return undefined;
  return { snapshot: await snapshotOf(client) };
}

type Late = { late: Json };
const isLate = (cursor: Json): cursor is Late =>
  cursor !== null && typeof cursor === "object" && !Array.isArray(cursor) && "late" in cursor;

/** A cursor also carries what is known of open transactions since the run began. */
function splitCursor(cursor: Json): { position: Json; open?: OpenMark } {
  if (cursor === null || typeof cursor !== "object" || Array.isArray(cursor) || !("open" in cursor))
    return { position: cursor };
  const { open, ...position } = cursor;
  return { position, open: open as OpenMark };
}

/** Rows committed since, with an older watermark than the newest. The watermark stays where it is and learns of them. */
async function* latePages(
  client: pg.Client,
  table: Table,
  plan: ReadPlan,
  request: ReadRequest,
  rows: OpenRows,
): AsyncGenerator<ReadPage> {
  const places = table.columns.map(placeOf);
  const all = rowsOf(client, table, plan);
  const next = pagesOf(all, request.pageSize);
  for (;;) {
    const { rows: found, last } = await untilAborted(next(), request.signal);
    const page: ReadPage = { records: [], cursor: null };
    for (const row of found) {
      page.cursor = { late: plan.advance(row) };
      const record = decodeRow(places, row, 0);
      if (rows.known(record)) continue;
      rows.add(record, row.at(-1) as string);
      page.records.push(record);
    }
    if (page.records.length > 0) {
      page.watermark = { ...(request.watermark?.after as JsonRecord), open: last ? rows.mark : rows.lateMark };
      page.cursor = { ...(page.cursor as JsonRecord), open: rows.soFar };
      yield page;
      request.signal.throwIfAborted();
    }
    if (last) break;
  }
  await all.close();
}

async function* pages(
  client: pg.Client,
  table: Table,
  plan: ReadPlan,
  request: ReadRequest,
  again: boolean,
  open?: OpenRows,
): AsyncGenerator<ReadPage> {
  const { signal, pageSize } = request;
  const places = table.columns.map(placeOf);
  const all = rowsOf(client, table, plan);
  const field = plan.watermarkAt === undefined ? undefined : table.columns[plan.watermarkAt]!.name;
  const ties = new Ties(request.watermark?.after ?? null, again);
  let left = request.limit ?? Number.POSITIVE_INFINITY;
  const next = pagesOf(all, pageSize);
  while (left > 0) {
    const { rows, last } = await untilAborted(next(), signal);
    const page: ReadPage = { records: [], cursor: null };
    for (let at = 0; at < rows.length; at++) {
      const row = rows[at]!;
      page.cursor = plan.advance(row);
      const record = decodeRow(places, row, 0);
      if (field !== undefined) {
        const value = record[field] ?? null;
        if (ties.known(value, record)) continue;
        if (value !== null) ties.add(value, record);
        open?.add(record, row.at(-1) as string);
      }
      page.records.push(record);
      left--;
      if (left === 0) break;
    }
    if (page.records.length > 0) {
      if (field !== undefined) page.watermark = ties.mark;
      if (open && page.watermark !== null) {
        const mark = open.mark;
        page.watermark = { ...(page.watermark as JsonRecord), open: mark };
        page.cursor = { ...(page.cursor as JsonRecord), open: mark };
      }
      yield page;
      signal.throwIfAborted();
    }
    if (last) break;
  }
  await all.close();
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
