/**
 * Removes what has been kept long enough. Ledger days that nobody wants any more go as whole partitions, detached so that
 * runs never wait; everything else in small batches with pauses. Safe to stop at any moment, and to run in every worker.
 */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { type Retention, retentionOf } from "./settings.ts";

const LOCK = 7264005;
const BATCH = 2_000;
const PAUSE_MS = 20;
/** Taking a partition off waits for every transaction that may read it: for so long, then again next time. */
const DETACH_WITHIN_MS = 20_000;

type Wanted = { workspaceId: string; retention: Retention };
export type Removed = { partitions: string[]; rows: { [table: string]: number } };

/**
 * @param budgetMs goes on next time when this time is up
 * @returns what was removed; nothing when another worker is at it
 */
export async function applyRetention(
  pool: pg.Pool,
  { now = new Date(), budgetMs = 60_000 }: { now?: Date; budgetMs?: number } = {},
): Promise<Removed> {
  const removed: Removed = { partitions: [], rows: {} };
  const until = Date.now() + budgetMs;
  const client = await pool.connect();
  try {
    const { rows: lock } = await client.query<{ mine: boolean }>("SELECT pg_try_advisory_lock($1) AS mine", [LOCK]);
    if (!lock[0]?.mine) return removed;
    try {
      const { rows } = await client.query<{ id: string; settings: unknown }>("SELECT id, settings FROM workspace");
      const wanted = rows.map(({ id, settings }): Wanted => ({ workspaceId: id, retention: retentionOf(settings) }));
      if (wanted.length === 0) return removed;
      const longest = Math.max(...wanted.map(({ retention }) => retention.ledgerDays));
      for (const table of ["change", "record_outcome"]) {
        for (const { name, endsAt, state } of await partitionsOf(client, table)) {
          if (Date.now() > until) return removed;
          if (endsAt <= daysBefore(now, longest)) {
            if (!(await dropPartition(client, table, name, state))) break; // only one at a time can be on its way
            removed.partitions.push(name);
            continue;
          }
          for (const { workspaceId, retention } of wanted) {
            if (endsAt > daysBefore(now, retention.ledgerDays)) continue;
            const rows = pg.escapeIdentifier(name);
            const where = `ctid = ANY(ARRAY(SELECT ctid FROM ${rows} WHERE workspace_id = $1 LIMIT ${BATCH}))`;
            await inBatches(client, removed, name, until, `DELETE FROM ${rows} WHERE ${where}`, [workspaceId]);
          }
        }
      }
      for (const { workspaceId, retention } of wanted)
        await removeRows(client, removed, until, now, workspaceId, retention);
      return removed;
    } finally {
      await client.query("SELECT pg_advisory_unlock($1)", [LOCK]);
    }
  } finally {
    client.release();
  }
}

const daysBefore = (now: Date, days: number) => new Date(now.getTime() - days * 86_400_000);

type PartitionState = "attached" | "pending" | "detached";

/** By day, those whose removal has begun first: only one can be on its way. */
async function partitionsOf(client: pg.ClientBase, parent: string) {
  const { rows } = await client.query<{ name: string; endsAt: Date; state: PartitionState }>(
    `SELECT c.relname AS name, CASE WHEN i.inhrelid IS NULL THEN 'detached' WHEN i.inhdetachpending THEN 'pending' ELSE 'attached' END AS state,
       (to_date(right(c.relname, 8), 'YYYYMMDD') + 1)::timestamp AT TIME ZONE 'UTC' AS "endsAt"
     FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND i.inhparent = $1::regclass
     WHERE c.relkind = 'r' AND c.relname ~ ('^' || $1 || '_[0-9]{8}$')
       AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = $1::regclass)
     ORDER BY i.inhdetachpending DESC NULLS FIRST, c.relname`,
    [parent],
  );
  return rows;
}

/**
 * Detaching CONCURRENTLY lets runs write all the while; only then is the table, which nobody uses any more, dropped.
 *
 * @returns false when some transaction reads the ledger for longer than that is waited for: what was begun is ended next time
 */
async function dropPartition(
  client: pg.ClientBase,
  parent: string,
  name: string,
  state: PartitionState,
): Promise<boolean> {
  const partition = pg.escapeIdentifier(name);
  await client.query(`SET statement_timeout = ${DETACH_WITHIN_MS}`);
  try {
    const how = state === "pending" ? "FINALIZE" : "CONCURRENTLY";
    if (state !== "detached") await client.query(`ALTER TABLE ${parent} DETACH PARTITION ${partition} ${how}`);
    await client.query(`DROP TABLE ${partition}`);
    return true;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== QUERY_CANCELED) throw error;
    return false;
  } finally {
    await client.query("RESET statement_timeout");
  }
}

const QUERY_CANCELED = "57014";

async function removeRows(
  client: pg.ClientBase,
  removed: Removed,
  until: number,
  now: Date,
  workspaceId: string,
  { runsDays, lettersDays, auditDays }: Retention,
): Promise<void> {
  const some = (table: string, id: string, where: string) =>
    `DELETE FROM ${table} WHERE ${id} IN (SELECT ${id} FROM ${table} t WHERE t.workspace_id = $1 AND ${where} LIMIT ${BATCH})`;
  const withRuns = (sql: string) =>
    `WITH gone AS (${sql} RETURNING id), runs AS (DELETE FROM dead_letter_run WHERE letter_id IN (SELECT id FROM gone)) SELECT id FROM gone`;
  const letters = `t.state IN ('resolved', 'dismissed', 'foreseen') AND coalesce(t.closed_at, t.at) < $2`;
  await inBatches(client, removed, "dead_letter", until, withRuns(some("dead_letter", "id", letters)), [
    workspaceId,
    daysBefore(now, lettersDays),
  ]);
  // a run that failed records still point to stays with them
  const runs = `t.finished_at < $2 AND t.state IN ('succeeded', 'succeeded_with_errors', 'failed', 'cancelled')
    AND NOT EXISTS (SELECT FROM dead_letter d WHERE d.run_id = t.id OR d.replay_run_id = t.id)`;
  const withParts = `WITH gone AS (${some("run", "id", runs)} RETURNING id),
    steps AS (DELETE FROM run_step WHERE run_id IN (SELECT id FROM gone)),
    places AS (DELETE FROM checkpoint WHERE run_id IN (SELECT id FROM gone)),
    stretches AS (DELETE FROM run_stretch WHERE run_id IN (SELECT id FROM gone)),
    undone AS (DELETE FROM undo_row WHERE undo_run_id IN (SELECT id FROM gone)),
    groups AS (DELETE FROM collect_item WHERE run_id IN (SELECT id FROM gone)),
    grouped AS (DELETE FROM collect_waiting WHERE run_id IN (SELECT id FROM gone)),
    letters AS (DELETE FROM dead_letter_run WHERE run_id IN (SELECT id FROM gone)),
    seen AS (DELETE FROM seen_key WHERE scope IN (SELECT id::text FROM gone)),
    events AS (DELETE FROM inbox_event WHERE id IN (SELECT id FROM gone)),
    answers AS (DELETE FROM inbox_answer WHERE id IN (SELECT id FROM gone))
    SELECT id FROM gone`;
  await inBatches(client, removed, "run", until, withParts, [workspaceId, daysBefore(now, runsDays)]);
  const kept = "t.state IN ('released', 'cancelled') AND coalesce(t.ended_at, t.decided_at, t.at) < $2";
  await inBatches(client, removed, "held_part", until, some("held_part", "id", kept), [
    workspaceId,
    daysBefore(now, runsDays),
  ]);
  // records that waited behind another of their key when their flow was removed
  const stranded = `t.at < $2 AND EXISTS (SELECT FROM flow f WHERE f.id = t.flow_id AND f.deleted_at IS NOT NULL)`;
  await inBatches(client, removed, "parked_record", until, some("parked_record", "id", stranded), [
    workspaceId,
    daysBefore(now, runsDays),
  ]);
  // of flows that were removed before their events had their turn
  const orphans = `t.received_at < $2 AND NOT EXISTS (SELECT FROM run r WHERE r.id = t.id)
    AND NOT EXISTS (SELECT FROM inbox_queue q WHERE q.flow_id = t.flow_id AND q.id = t.id)`;
  await inBatches(client, removed, "inbox_event", until, some("inbox_event", "id", orphans), [
    workspaceId,
    daysBefore(now, runsDays),
  ]);
  await inBatches(client, removed, "audit", until, some("audit", "id", "t.at < $2"), [
    workspaceId,
    daysBefore(now, auditDays),
  ]);
}

async function inBatches(
  client: pg.ClientBase,
  removed: Removed,
  table: string,
  until: number,
  sql: string,
  values: unknown[],
): Promise<void> {
  while (Date.now() < until) {
    const { rowCount } = await client.query(sql, values);
    if (!rowCount) return;
    removed.rows[table] = (removed.rows[table] ?? 0) + rowCount;
    await sleep(PAUSE_MS);
  }
}
