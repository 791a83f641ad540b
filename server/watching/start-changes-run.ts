import type pg from "pg";
import { inTransaction } from "../db/run-store/lease.ts";
import { enqueueRun } from "../jobs/enqueue.ts";

/**
 * After a run that failed the next one of the same version waits 5 s; four times as long for each more of them among the last
 * five, up to a quarter of an hour. Whoever cancelled a run has a minute at least to stop the flow.
 */
const RESTS = `EXISTS (SELECT FROM (SELECT max(finished_at) AS at, count(*) AS bad, bool_or(last) AS now,
    bool_or(last AND state = 'cancelled') AS cancelled FROM (
    SELECT state, finished_at, row_number() OVER (ORDER BY id DESC) = 1 AS last FROM run
    WHERE flow_id = $1 AND kind = 'flow' AND mode = 'live' AND version = f.live_version ORDER BY id DESC LIMIT 5) recent
  WHERE state IN ('failed', 'cancelled')) ill
  WHERE ill.now AND ill.at > now()
    - greatest(CASE WHEN ill.cancelled THEN 60 ELSE 0 END, least(900, 5 * 4 ^ (ill.bad - 1))) * interval '1 second')`;

/**
 * @returns the run's number; null when the flow does not run by itself now, rests, or one of its runs has not ended yet
 */
export async function startChangesRun(pool: pg.Pool, flowId: string): Promise<string | null> {
  return await inTransaction(pool, async (client) => {
    // lost in a crash of the database it is started again, as what it was started for is still pending
    await client.query("SET LOCAL synchronous_commit = off");
    const { rows } = await client.query<{ id: string }>({
      name: "changes-run",
      text: `INSERT INTO run (workspace_id, flow_id, version, kind, mode, trigger, started_by)
        SELECT f.workspace_id, f.id, f.live_version, 'flow', 'live', 'changes', 'changes' FROM flow f
        WHERE f.id = $1 AND NOT f.paused AND f.deleted_at IS NULL AND f.live_version IS NOT NULL
          AND NOT EXISTS (SELECT FROM run r WHERE r.flow_id = f.id AND r.kind = 'flow' AND r.mode = 'live'
            AND r.state IN ('queued', 'running', 'waiting'))
          AND NOT ${RESTS}
        RETURNING id::text`,
      values: [flowId],
    });
    const id = rows[0]?.id ?? null;
    if (id !== null) await enqueueRun(client, id);
    return id;
  });
}
