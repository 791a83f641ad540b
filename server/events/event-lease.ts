/** One process at a time works on a flow's events. Every statement names the lease's token, as those of a run do. */
import type pg from "pg";
import { DEAD_AFTER_MS } from "../processes/presence.ts";

export type EventLease = { flowId: string; workspaceId: string; token: number };

/** Takes the flow's events over unless another living process has them; null then. */
export async function takeEventLease(pool: pg.Pool, flowId: string, workerId: string): Promise<EventLease | null> {
  // looked at first: a refused upsert would still write to the row
  const { rows: holders } = await pool.query({
    name: "events-holder",
    text: `SELECT 1 FROM inbox_drain d JOIN process p ON p.id = d.lease_worker
      WHERE d.flow_id = $1 AND d.lease_worker <> $2 AND p.seen_at > now() - $3::float8 * interval '1 millisecond'`,
    values: [flowId, workerId, DEAD_AFTER_MS],
  });
  if (holders.length > 0) return null;
  const { rows } = await pool.query<{ workspaceId: string; token: number }>({
    name: "events-take",
    text: `INSERT INTO inbox_drain AS d (flow_id, workspace_id, lease_worker, lease_token)
      SELECT id, workspace_id, $2, 1 FROM flow WHERE id = $1
      ON CONFLICT (flow_id) DO UPDATE SET lease_worker = $2, lease_token = d.lease_token + 1
      WHERE d.lease_worker IS NULL OR d.lease_worker = $2
        OR NOT EXISTS (SELECT FROM process p WHERE p.id = d.lease_worker AND p.seen_at > now() - $3::float8 * interval '1 millisecond')
      RETURNING workspace_id AS "workspaceId", lease_token AS token`,
    values: [flowId, workerId, DEAD_AFTER_MS],
  });
  return rows[0] ? { flowId, ...rows[0] } : null;
}

export async function giveEventLease(pool: pg.Pool, { flowId, token }: EventLease): Promise<void> {
  await pool.query("UPDATE inbox_drain SET lease_worker = NULL WHERE flow_id = $1 AND lease_token = $2", [
    flowId,
    token,
  ]);
}

/**
 * Flows with events to work on now, which nobody alive works on or this process does: what a notification that was lost
 * would have told.
 */
export async function flowsToDrain(pool: pg.Pool, workerId: string): Promise<string[]> {
  const { rows } = await pool.query<{ flowId: string }>({
    name: "events-due",
    // walks from flow to flow in the index, however long their queues are
    text: `WITH RECURSIVE waiting AS (
        (SELECT flow_id FROM inbox_queue ORDER BY flow_id LIMIT 1)
        UNION ALL
        SELECT (SELECT q.flow_id FROM inbox_queue q WHERE q.flow_id > w.flow_id ORDER BY q.flow_id LIMIT 1)
        FROM waiting w WHERE w.flow_id IS NOT NULL)
      SELECT f.id AS "flowId" FROM waiting w JOIN flow f ON f.id = w.flow_id LEFT JOIN inbox_drain d ON d.flow_id = f.id
      WHERE (d.cancels <> d.cancels_ended OR NOT f.paused AND f.deleted_at IS NULL AND f.live_version IS NOT NULL
          AND (d.wait_reason IS NULL OR d.resume_at <= now()))
        AND (d.lease_worker IS NULL OR d.lease_worker = $1
          OR NOT EXISTS (SELECT FROM process p WHERE p.id = d.lease_worker AND p.seen_at > now() - $2::float8 * interval '1 millisecond'))`,
    values: [workerId, DEAD_AFTER_MS],
  });
  return rows.map(({ flowId }) => flowId);
}
