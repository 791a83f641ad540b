/** Reads what changed in a table: from the log of its recorder, or by looking at the table where there is none. */
import type pg from "pg";
import type { ChangeKind, ChangesPage, ChangesRequest } from "../../sdk/changes.ts";
import type { Json, ReadPage } from "../../sdk/types.ts";
import { keysOf, type Table } from "../catalog.ts";
import type { Clients } from "../client.ts";
import { callFailure, serverTrouble, shapeChanged } from "../errors.ts";
import { decodeRow } from "../group-job.ts";
import { readTable } from "../read.ts";
import { name, placeOf, relation } from "../sql.ts";
import { rawQuery, ShapeChanged } from "../transaction.ts";
import { isWhole, lookAt } from "./look.ts";
import { inLog, type LogPosition, type PollPosition, type Position, readPosition } from "./position.ts";
import { placesIn } from "./recorder.ts";

/**
 * The first time, and whenever the log has a gap, the whole table is read behind a position taken before; what changes
 * meanwhile is in the log. A row is read as it is then, so it can only be newer than what the log tells of it.
 */
export async function* readChanges(
  clients: Clients,
  table: Table,
  request: ChangesRequest,
): AsyncGenerator<ChangesPage> {
  request.signal.throwIfAborted();
  const before = readPosition(request.cursor) ?? readPosition(request.after);
  const look = await using(clients, table, (client) => lookAt(client, table, request.stream, before));
  if ("why" in look) {
    yield* polled(clients, table, request, before);
    return;
  }
  let left = request.limit ?? Number.POSITIVE_INFINITY;
  let position: LogPosition;
  if (before && inLog(before) && isWhole(before, look)) position = before;
  else if (before === null && !request.existing) {
    position = look.now;
    yield { records: [], kinds: [], position };
  } else position = { ...look.now, load: { cursor: null } };
  if (position.load) {
    for await (const page of loaded(clients, table, request, position, left)) {
      left -= page.records.length;
      position = page.position as LogPosition;
      yield page;
    }
    if (left <= 0) return;
  }
  while (left > 0) {
    const size = Math.min(request.pageSize, left);
    const page = await using(clients, table, (client) => logPage(client, table, position, { ...request, size }));
    if (!page) return;
    left -= page.records.length;
    position = page.position;
    yield page;
    request.signal.throwIfAborted();
    if (position.to === undefined) return;
  }
}

async function using<T>(clients: Clients, table: Table, work: (client: pg.Client) => Promise<T>): Promise<T> {
  return await clients.use(async (client) => {
    try {
      return await work(client);
    } catch (error) {
      if (shapeChanged(error)) throw new ShapeChanged(error);
      throw callFailure(clients.access, error, table.table) ?? serverTrouble(clients.access, error, table.table);
    }
  });
}

/** The table itself, from where `load` stands; the last page, without records, says that it was read. */
async function* loaded(
  clients: Clients,
  table: Table,
  { stream, pageSize, signal }: ChangesRequest,
  { load, ...position }: LogPosition,
  limit: number,
): AsyncGenerator<ChangesPage> {
  const cursor = load?.cursor ?? null;
  const limited = Number.isFinite(limit) ? { limit } : {};
  let left = limit;
  for await (const page of readTable(clients, table, { stream, cursor, pageSize, signal, ...limited })) {
    left -= page.records.length;
    yield asRead(page, { ...position, load: { cursor: page.cursor } });
  }
  if (left > 0) yield { records: [], kinds: [], position };
}

/** By the watermark, or everything. */
async function* polled(
  clients: Clients,
  table: Table,
  request: ChangesRequest,
  before: Position | null,
): AsyncGenerator<ChangesPage> {
  const { stream, watermark: field, pageSize, limit, signal } = request;
  const resumed = request.cursor !== null && before && !inLog(before) ? before : undefined;
  const start = resumed ? (resumed.start ?? null) : before && !inLog(before) ? before.poll : null;
  const silent = before === null && !request.existing && field !== undefined; // only where the newest watermark is
  const pages = readTable(clients, table, {
    stream,
    cursor: resumed?.cursor ?? null,
    pageSize,
    signal,
    ...(field === undefined ? {} : { watermark: { field, after: start } }),
    ...(limit === undefined || silent ? {} : { limit }),
  });
  for await (const page of pages) {
    const position: PollPosition = { poll: page.watermark ?? start, start, cursor: page.cursor };
    yield asRead(silent ? { ...page, records: [] } : page, position);
  }
}

function asRead({ records }: ReadPage, position: Position): ChangesPage {
  return { records, kinds: records.map((): ChangeKind => "read"), position: position as unknown as Json };
}

type LogPage = ChangesPage & { position: LogPosition & Json };

/** A page of the log's keys with the rows they have now. Null when nothing was recorded since. */
async function logPage(
  client: pg.ClientBase,
  table: Table,
  position: LogPosition,
  { deletes, size }: { deletes: boolean; size: number },
): Promise<LogPage | null> {
  const places = table.columns.map(placeOf);
  const { watch, from, to = null, tx, seq } = position;
  const rows = await rawQuery(client, logSql(table, { deletes, goesOn: tx !== undefined }), [
    watch,
    from,
    to,
    size,
    ...(tx === undefined ? [] : [tx, seq]),
  ]);
  const [until, count, lastTx, lastSeq] = rows[0] as string[];
  if (count === "0" && to === null) return null;
  const behind = { watch, print: position.print, system: position.system };
  const page: LogPage = {
    records: [],
    kinds: [],
    position:
      Number(count) < size ? { ...behind, from: until! } : { ...behind, from, to: until!, tx: lastTx!, seq: lastSeq! },
  };
  for (const row of rows) {
    if (row[4] === null) continue;
    page.kinds.push(row[4] as ChangeKind);
    page.records.push(decodeRow(places, row, 5));
  }
  return page;
}

/**
 * $1 watch, $2 what was read, $3 what is to be read (null: all until now), $4 entries, $5 and $6 the entry to go on after.
 * A key without a row was deleted, perhaps by a later entry than this page has; then that one tells.
 */
function logSql(table: Table, { deletes, goesOn }: { deletes: boolean; goesOn: boolean }): string {
  const columns = (row: string) => table.columns.map((column) => `${row}.${name(column.name)}`).join(", ");
  const same = keysOf(table)[0]!
    .map((key, at) => {
      const { base } = table.columns.find((column) => column.name === key)!;
      return `t.${name(key)} = (k.key[${at + 1}])::${base}`;
    })
    .join(" AND ");
  const gone = `UNION ALL SELECT k.first, 'delete', ${columns("b")}
    FROM changed k CROSS JOIN LATERAL jsonb_populate_record(NULL::${relation(table)}, k.before) b
    WHERE k.before IS NOT NULL AND NOT EXISTS (SELECT FROM ${relation(table)} t WHERE ${same})`;
  return `WITH bound AS MATERIALIZED (SELECT coalesce($3::pg_snapshot, pg_current_snapshot()) AS until),
  entry AS MATERIALIZED (SELECT c.tx, c.seq, c.operation, c.key, c.before FROM ${placesIn(table).log} c, bound
    WHERE c.watch = $1::uuid AND c.tx >= pg_snapshot_xmin($2::pg_snapshot) ${goesOn ? "AND (c.tx, c.seq) > ($5::xid8, $6::int8)" : ""}
      AND NOT pg_visible_in_snapshot(c.tx, $2::pg_snapshot) AND pg_visible_in_snapshot(c.tx, bound.until)
    ORDER BY c.tx, c.seq LIMIT $4::int8),
  changed AS MATERIALIZED (SELECT key, min(seq) AS first, (array_agg(operation ORDER BY seq))[1] AS operation,
      (array_agg(before ORDER BY seq DESC) FILTER (WHERE operation = 'D'))[1] AS before FROM entry GROUP BY key),
  found AS (SELECT k.first, CASE WHEN k.operation = 'I' THEN 'create' ELSE 'update' END AS kind, ${columns("t")}
    FROM changed k JOIN ${relation(table)} t ON ${same} ${deletes ? gone : ""})
  SELECT bound.until::text, (SELECT count(*) FROM entry), last.tx::text, last.seq::text, ${columnsOf("f", table)}
  FROM bound LEFT JOIN (SELECT tx, seq FROM entry ORDER BY tx DESC, seq DESC LIMIT 1) last ON true
  LEFT JOIN found f ON true ORDER BY f.first`;
}

/** By place, as a column may be called anything. */
const columnsOf = (row: string, table: Table) =>
  [`${row}.kind`, ...table.columns.map((column) => `${row}.${name(column.name)}`)].join(", ");
