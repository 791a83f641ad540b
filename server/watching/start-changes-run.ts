import type pg from "pg";
import { inTransaction } from "../db/run-store/lease.ts";
import { enqueueRun } from "../jobs/enqueue.ts";

/** @returns the run's number; null when the flow does not run by itself now, or one of its runs has not ended yet */
export async function startChangesRun(pool: pg.Pool, flowId: string): Promise<string | null> {
  return await inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ id: string }>({
      name: "changes-run",
      text: `INSERT INTO run (workspace_id, flow_id, version, kind, mode, trigger, started_by)
        SELECT f.workspace_id, f.id, f.live_version, 'flow', 'live', 'changes', 'changes' FROM flow f
        WHERE f.id = $1 AND NOT f.paused AND f.deleted_at IS NULL AND f.live_version IS NOT NULL
          AND NOT EXISTS (SELECT FROM run r WHERE r.flow_id = f.id AND r.kind = 'flow' AND r.mode = 'live'
            AND r.state IN ('queued', 'running', 'waiting'))
        RETURNING id::text`,
      values: [flowId],
    });
    const id = rows[0]?.id ?? null;
    if (id !== null) await enqueueRun(client, id);
    return id;
  });
}
