/** A flow's events rest: their target is down, limited, or refuses us. They hold no worker, and later ones queue behind. */
import type pg from "pg";
import { LeaseLost } from "../../engine/ports.ts";
import type { EventsWait, HalfBatch } from "../../engine/run/event-batch.ts";
import { LIVE_CHANNEL } from "../db/listen.ts";
import { inTransaction } from "../db/run-store/lease.ts";
import { storableJson } from "../db/storable.ts";
import { EVENTS_CHANNEL } from "../intake/inbox.ts";
import type { EventLease } from "./event-lease.ts";
import { closeEventParts } from "./event-ledger.ts";
import type { Batch } from "./settle-events.ts";

/** @throws LeaseLost */
export async function storeEventsWait(pool: pg.Pool, batch: Batch, wait: EventsWait): Promise<void> {
  const { lease, events, version, startedAt, trigger } = batch;
  const failure = storableJson(wait.failure);
  const runs = events.map(({ runId }) => runId);
  await inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `UPDATE inbox_drain SET wait_reason = $3, resume_at = $4, error = $5, failures = failures + $6::int,
         failing_since = CASE WHEN $6::int = 1 THEN coalesce(failing_since, now()) ELSE failing_since END
       WHERE flow_id = $1 AND lease_token = $2`,
      [lease.flowId, lease.token, wait.reason, wait.resumeAt, failure, wait.counted ? 1 : 0],
    );
    if (rowCount !== 1) throw new LeaseLost(lease.flowId);
    if (wait.half) await closeEventParts(client, lease, runs, wait.half);
    const connection = await connectionId(client, lease, wait.connection);
    await client.query(
      `INSERT INTO run AS r (id, workspace_id, flow_id, version, kind, mode, state, trigger, started_by, attempt, failures,
         created_at, started_at, wait_reason, resume_at, wait_connection, error, waiting_records)
       SELECT e.id, $1, $2, $3, 'flow', 'live', 'waiting', $14, e.by, 1, $4::int, e.at, $5, $6, $7, $8, $9, e.records
       FROM unnest($10::bigint[], $11::timestamptz[], $12::text[], $13::int[]) AS e(id, at, by, records)
       ON CONFLICT (id) DO UPDATE SET state = 'waiting', attempt = r.attempt + 1, failures = r.failures + excluded.failures,
         wait_reason = excluded.wait_reason, resume_at = excluded.resume_at, wait_connection = excluded.wait_connection,
         error = excluded.error, waiting_records = excluded.waiting_records
       WHERE r.state IN ('queued', 'waiting')`,
      [
        lease.workspaceId,
        lease.flowId,
        version,
        wait.counted ? 1 : 0,
        startedAt,
        wait.reason,
        wait.resumeAt,
        connection,
        failure,
        runs,
        events.map(({ receivedAt }) => receivedAt),
        events.map(({ sentBy }) => sentBy),
        events.map(({ records }) => records.length),
        trigger,
      ],
    );
    await markConnection(client, lease, connection, wait);
    if (wait.reason === "target" && connection !== null) await unlessBack(client, lease, connection);
  });
}

async function connectionId(client: pg.ClientBase, lease: EventLease, name: string | undefined) {
  if (name === undefined) return null;
  const { rows } = await client.query<{ id: string }>(
    "SELECT id FROM connection WHERE workspace_id = $1 AND name = $2",
    [lease.workspaceId, name],
  );
  return rows[0]?.id ?? null;
}

/** So that screens and other flows know. */
async function markConnection(
  client: pg.ClientBase,
  { workspaceId }: EventLease,
  id: string | null,
  { reason, failure }: EventsWait,
): Promise<void> {
  if (id === null) return;
  const state = reason === "credentials" ? "refused" : "unreachable";
  await client.query(
    "UPDATE connection SET state = $2, state_message = $3, checked_at = now() WHERE id = $1 AND workspace_id = $4",
    [id, state, failure.message, workspaceId],
  );
  const event = { ws: workspaceId, type: "connection", connectionId: id };
  await client.query("SELECT pg_notify($1, $2)", [LIVE_CHANNEL, JSON.stringify(event)]);
}

/** The system came back between the failure and now: nobody else would wake the events. */
async function unlessBack(client: pg.ClientBase, { flowId }: EventLease, connection: string): Promise<void> {
  const { rowCount } = await client.query(
    "SELECT FROM connection_guard g WHERE g.connection_id = $1 AND g.state = 'open' FOR SHARE",
    [connection],
  );
  if (rowCount === 0) await client.query("UPDATE inbox_drain SET resume_at = now() WHERE flow_id = $1", [flowId]);
}

/** The batch failed but is tried again at once, in another way: only what was sent is stored. */
export async function storeHalf(pool: pg.Pool, { lease, events }: Batch, half: HalfBatch): Promise<void> {
  const runs = events.map(({ runId }) => runId);
  await inTransaction(pool, (client) => closeEventParts(client, lease, runs, half));
}

/** Parts of earlier batches whose events have all been settled since need no recovery any more. */
export async function dropSettledParts(pool: pg.Pool, { flowId, token }: EventLease): Promise<void> {
  await pool.query(
    `DELETE FROM inbox_sending s WHERE s.flow_id = $1
       AND EXISTS (SELECT FROM inbox_drain d WHERE d.flow_id = $1 AND d.lease_token = $2)
       AND NOT EXISTS (SELECT FROM inbox_queue q WHERE q.flow_id = $1 AND q.id BETWEEN s.first_run AND s.last_run)`,
    [flowId, token],
  );
}

/**
 * A waiting event's run was let go on (a mended connection, a resumed flow): its flow's events are worked on now. False
 * when the run is not one of an event that waits.
 */
export async function wakeEventsOf(pool: pg.Pool, runId: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    `WITH woken AS (UPDATE inbox_drain d SET wait_reason = NULL, resume_at = NULL
       FROM run r JOIN inbox_queue q ON q.flow_id = r.flow_id AND q.id = r.id
       WHERE r.id = $1::bigint AND r.state = 'queued' AND r.stop_request IS DISTINCT FROM 'cancel' AND d.flow_id = r.flow_id AND d.wait_reason IS NOT NULL RETURNING d.flow_id)
     SELECT pg_notify($2, flow_id) FROM woken`,
    [runId, EVENTS_CHANNEL],
  );
  return rowCount === 1;
}
