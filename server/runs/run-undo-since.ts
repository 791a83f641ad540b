/** The ledger rows of all runs of a flow since a moment, record by record, each record's folded into one change. */
import type pg from "pg";
import type { Json } from "../../connectors/sdk/types.ts";
import type { UndoPage, UndoRow } from "../../engine/run/execute-undo.ts";
import { foldChanges, type LedgerChange } from "../../engine/run/fold-changes.ts";
import { isFinal, RUN_STATES } from "../../engine/run/states.ts";
import { byKeysOnly, holdLease, inTransaction, type Lease } from "../db/run-store/lease.ts";
import { type StoredRow, toUndoRow } from "./run-undo.ts";

type Selection = { since: string; records?: string[] };

/**
 * Writes down which ledger rows this undo is about; what comes after that is not among them. Rows that were put back and
 * the undos that did so are: together they amount to nothing.
 *
 * A record has its place where what is to be done with it was done: one that is to be deleted at its creation, others at
 * their newest change. So what refers to it goes first, or comes after it.
 *
 * @throws LeaseLost
 */
export async function gatherChanges(pool: pg.Pool, lease: Lease, { since, records }: Selection): Promise<void> {
  await inTransaction(pool, async (client) => {
    await holdLease(client, lease);
    await client.query("DELETE FROM undo_row WHERE undo_run_id = $1", [lease.runId]);
    await client.query(
      `INSERT INTO undo_row (undo_run_id, workspace_id, place, id, run_id, at)
       SELECT $1, $2, CASE WHEN first_value(c.operation) OVER (record ORDER BY c.id) = 'create' THEN min(c.id) OVER record
           ELSE max(c.id) OVER record END, c.id, c.run_id, c.at
       FROM run r JOIN change c ON c.run_id = r.id
       WHERE r.flow_id = $3 AND r.workspace_id = $2 AND r.mode = 'live' AND r.started_at >= $4::timestamptz AND r.id < $1::bigint
         AND r.state = ANY($5) AND c.at >= $4::timestamptz - interval '1 hour' AND c.state IN ('done', 'unknown')
         AND ($6::text[] IS NULL OR c.record_key = ANY($6))
       WINDOW record AS (PARTITION BY c.connection_id, c.sink, c.record_key)`,
      [lease.runId, lease.workspaceId, lease.flowId, since, RUN_STATES.filter(isFinal), records ?? null],
    );
  });
}

type GatheredRow = StoredRow & { place: string; run: string; at: Date; state: "done" | "unknown" };
type Cursor = { place: string; id: string };

/**
 * @param force fold over what somebody changed in between
 * @param cursor the last row that was dealt with; null at the start
 * @param pageSize rows of the ledger, at most
 */
export async function* readFoldedRows(
  pool: pg.Pool,
  { runId }: Pick<Lease, "runId">,
  force: boolean,
  cursor: Json,
  pageSize = 1_000,
): AsyncGenerator<UndoPage> {
  let at = cursor as Cursor | null;
  for (;;) {
    const rows = await gatheredRows(pool, runId, at, pageSize + 1);
    if (rows.length === 0) return;
    const first = rows[0] as GatheredRow;
    // a record that may go on behind the page waits for the next one, unless it fills this one
    const cut = rows.length <= pageSize ? undefined : rows.at(-1)?.place;
    const more = cut !== undefined && cut === first.place;
    const page = more ? rows.slice(0, pageSize) : rows.filter(({ place }) => place !== cut);
    const last = page.at(-1) as GatheredRow;
    at = { place: last.place, id: last.id };
    yield { rows: folded(page, { force, more }), cursor: at };
  }
}

async function gatheredRows(pool: pg.Pool, runId: string, after: Cursor | null, limit: number): Promise<GatheredRow[]> {
  return await inTransaction(pool, async (client) => {
    await byKeysOnly(client);
    const { rows: chosen } = await client.query<{ place: string; id: string; run: string; at: Date }>(
      `SELECT u.place::text, u.id::text, u.run_id::text AS run, u.at FROM undo_row u
       WHERE u.undo_run_id = $1 AND (u.place, u.id) < ($2::bigint, $3::bigint) ORDER BY u.place DESC, u.id DESC LIMIT $4`,
      [runId, after?.place ?? MAX_ID, after?.id ?? MAX_ID, limit],
    );
    if (chosen.length === 0) return [];
    const times = chosen.map(({ at }) => at.getTime());
    // one by one, and only in the days these rows are of
    const { rows } = await client.query<GatheredRow>(
      `SELECT u.place, u.run_id::text AS run, c.at, c.id::text AS id, c.state, c.step_id AS step,
         c.connection_id AS "connectionId", n.name AS "connectionName", c.sink, c.record_key AS key, c.operation, c.identity,
         c.before, c.after, c.remote_id AS "remoteId", c.undo, false AS "olderFollows"
       FROM unnest($1::text[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS u(place, id, run_id, n)
       CROSS JOIN LATERAL (SELECT * FROM change WHERE run_id = u.run_id AND id = u.id AND at >= $4 AND at <= $5 OFFSET 0) c
       LEFT JOIN connection n ON n.id = c.connection_id
       ORDER BY u.n`,
      [
        chosen.map(({ place }) => place),
        chosen.map(({ id }) => id),
        chosen.map(({ run }) => run),
        new Date(Math.min(...times)),
        new Date(Math.max(...times)),
      ],
    );
    return rows;
  });
}

const MAX_ID = "9223372036854775807";

function folded(rows: GatheredRow[], how: { force: boolean; more: boolean }): UndoRow[] {
  const records = new Map<string, LedgerChange[]>();
  for (const { place, run, at, state, ...row } of rows) {
    const change: LedgerChange = { ...toUndoRow(row), of: { run, at: at.toISOString() }, state };
    const record = records.get(place);
    if (record) record.push(change);
    else records.set(place, [change]);
  }
  return [...records.values()].flatMap((changes) => foldChanges(changes, how));
}
