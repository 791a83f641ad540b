/** One process at a time follows a connection; who is dead loses it. */
import type pg from "pg";
import { DEAD_AFTER_MS } from "../processes/presence.ts";

const ALIVE = `EXISTS (SELECT FROM process p WHERE p.id = w.lease_worker AND p.seen_at > now() - ${DEAD_AFTER_MS} * interval '1 millisecond')`;

/** @returns which of these connections this process follows, now that it has taken those nobody alive follows */
export async function takeWatchLeases(pool: pg.Pool, connections: string[], workerId: string): Promise<Set<string>> {
  if (connections.length === 0) return new Set();
  // looked at first, so that nothing is written as long as nothing changes
  const { rows } = await pool.query<{ id: string; worker: string | null }>(
    `SELECT c.id, CASE WHEN ${ALIVE} THEN w.lease_worker END AS worker
     FROM connection c LEFT JOIN connection_watch w ON w.connection_id = c.id WHERE c.id = ANY ($1)`,
    [connections],
  );
  const mine = rows.filter(({ worker }) => worker === workerId).map(({ id }) => id);
  const free = rows.filter(({ worker }) => worker === null).map(({ id }) => id);
  if (free.length === 0) return new Set(mine);
  const taken = await pool.query<{ id: string }>(
    `INSERT INTO connection_watch AS w (connection_id, workspace_id, lease_worker)
       SELECT id, workspace_id, $2 FROM connection WHERE id = ANY ($1) ORDER BY id
     ON CONFLICT (connection_id) DO UPDATE SET lease_worker = excluded.lease_worker
       WHERE w.lease_worker IS NULL OR NOT ${ALIVE} RETURNING connection_id AS id`,
    [free, workerId],
  );
  return new Set([...mine, ...taken.rows.map(({ id }) => id)]);
}

export async function giveWatchLease(pool: pg.Pool, connectionId: string, workerId: string): Promise<void> {
  await pool.query("UPDATE connection_watch SET lease_worker = NULL WHERE connection_id = $1 AND lease_worker = $2", [
    connectionId,
    workerId,
  ]);
}
