/** Parked records whose key is free again: read in the order they came, and the runs that give them their turn. */
import type pg from "pg";
import type { Json, JsonRecord } from "../../connectors/sdk/types.ts";
import type { ParkedPage } from "../../engine/run/planned-pages.ts";
import { inTransaction } from "../db/run-store/lease.ts";
import { enqueueRun } from "../jobs/enqueue.ts";

const FREE = `NOT EXISTS (SELECT FROM dead_letter d WHERE d.flow_id = p.flow_id AND d.key = p.key AND d.state IN ('open', 'replaying'))
  AND NOT EXISTS (SELECT FROM held_part h WHERE h.flow_id = p.flow_id AND h.key = p.key AND h.state IN ('open', 'decided'))`;

export async function* readParked(
  pool: pg.Pool,
  flowId: string,
  cursor: Json,
  pageSize = 500,
): AsyncGenerator<ParkedPage> {
  let after = typeof cursor === "string" ? cursor : "0";
  for (;;) {
    const { rows } = await pool.query<{ id: string; source: JsonRecord }>(
      `SELECT p.id::text, p.source FROM parked_record p WHERE p.flow_id = $1 AND p.id > $2 AND ${FREE} ORDER BY p.id LIMIT $3`,
      [flowId, after, pageSize],
    );
    const last = rows.at(-1);
    if (!last) return;
    after = last.id;
    yield { ids: rows.map(({ id }) => id), records: rows.map(({ source }) => source), cursor: after };
  }
}

/**
 * Starts a run for each flow that has parked records which may go on; one at a time per flow.
 *
 * @returns numbers of the runs
 */
export async function startReleases(pool: pg.Pool): Promise<string[]> {
  return await inTransaction(pool, async (client) => {
    const { rows: lock } = await client.query<{ mine: boolean }>("SELECT pg_try_advisory_xact_lock(7264003) AS mine");
    if (!lock[0]?.mine) return [];
    const { rows } = await client.query<{ id: string }>(
      `INSERT INTO run (workspace_id, flow_id, version, kind, mode, trigger, started_by, request)
       SELECT f.workspace_id, f.id, f.live_version, 'replay', 'live', 'replay', 'system', '{"release": true}'
       FROM flow f WHERE NOT f.paused AND f.deleted_at IS NULL AND f.live_version IS NOT NULL
         AND f.id IN (SELECT DISTINCT p.flow_id FROM parked_record p WHERE ${FREE})
         AND NOT EXISTS (SELECT FROM run r WHERE r.flow_id = f.id AND r.kind = 'replay' AND r.request->>'release' = 'true'
           AND r.state IN ('queued', 'running', 'waiting'))
       RETURNING id::text`,
    );
    for (const { id } of rows) await enqueueRun(client, id);
    return rows.map(({ id }) => id);
  });
}
