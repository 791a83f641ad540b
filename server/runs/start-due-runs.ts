/** The schedule: starts what is due, once, whatever number of workers looks. */
import type pg from "pg";
import { nextRunAt, type Timing } from "../../engine/flow/schedule.ts";
import { inTransaction } from "../db/run-store/lease.ts";
import { enqueueRuns } from "../jobs/enqueue.ts";
import { log } from "../log.ts";

type Due = {
  flowId: string;
  workspaceId: string;
  timing: Timing;
  version: number;
  overlap: string | null;
  busy: string | null;
  /** scheduled runs that have not begun */
  queued: number;
};

/** More runs than this do not wait behind one another: they would only read the same again. */
const MOST_QUEUED = 3;

/** @returns numbers of the runs that were started */
export async function startDueRuns(pool: pg.Pool, now = new Date()): Promise<string[]> {
  return await inTransaction(pool, async (client) => {
    const { rows } = await client.query<Due>(
      `SELECT s.flow_id AS "flowId", s.workspace_id AS "workspaceId", s.timing, f.live_version AS version,
         v.document->'settings'->>'overlap' AS overlap,
         (SELECT r.id::text FROM run r WHERE r.flow_id = s.flow_id AND r.kind = 'flow' AND r.mode = 'live'
            AND r.state IN ('queued', 'running', 'waiting') ORDER BY r.id LIMIT 1) AS busy,
         (SELECT count(*)::int FROM run r WHERE r.flow_id = s.flow_id AND r.trigger = 'schedule'
            AND (r.state = 'queued' OR (r.state = 'waiting' AND r.wait_reason = 'flow-busy'))) AS queued
       FROM schedule s JOIN flow f ON f.id = s.flow_id JOIN flow_version v ON v.flow_id = f.id AND v.version = f.live_version
       WHERE s.next_run_at <= $1 AND NOT f.paused AND f.deleted_at IS NULL
       ORDER BY s.next_run_at LIMIT 200 FOR UPDATE OF s SKIP LOCKED`,
      [now],
    );
    const started: string[] = [];
    for (const due of rows) {
      const next = nextOf(due, now);
      await client.query("UPDATE schedule SET next_run_at = $2, last_run_at = $3 WHERE flow_id = $1", [
        due.flowId,
        next,
        now,
      ]);
      const queues = due.overlap === "queue" && due.queued < MOST_QUEUED;
      if (due.busy !== null && !queues) await noteSkipped(client, due, due.busy);
      else started.push(await startRun(client, due));
    }
    await enqueueRuns(client, started);
    return started;
  });
}

function nextOf(due: Due, now: Date): Date | null {
  try {
    return nextRunAt(due.timing, now);
  } catch (error) {
    log.error(
      `The schedule of flow ${due.flowId} cannot be read (${String(error)}); it rests until the flow is published again.`,
    );
    return null;
  }
}

async function startRun(client: pg.PoolClient, { flowId, workspaceId, version }: Due): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO run (workspace_id, flow_id, version, kind, mode, trigger, started_by)
     VALUES ($1, $2, $3, 'flow', 'live', 'schedule', 'schedule') RETURNING id::text`,
    [workspaceId, flowId, version],
  );
  return (rows[0] as { id: string }).id;
}

/** Skipped times are in the history too: one row, counted up, until a run goes through again. */
async function noteSkipped(client: pg.PoolClient, due: Due, busy: string): Promise<void> {
  const { flowId, workspaceId, version } = due;
  const waiting = due.overlap === "queue" ? `, and ${due.queued} more were waiting,` : "";
  const { rowCount } = await client.query(
    `UPDATE run SET finished_at = now(), request = request || jsonb_build_object('skipped', (request->>'skipped')::int + 1),
       error = jsonb_build_object('code', 'skipped-overlap', 'message', format(
         'Skipped %s times: run %s was still at work%s when the schedule came round.', (request->>'skipped')::int + 1, $2::text, $3::text))
     WHERE id = (SELECT max(id) FROM run WHERE flow_id = $1 AND kind = 'flow' AND mode = 'live' AND trigger = 'schedule')
       AND request->>'skipped' IS NOT NULL AND request->>'behind' = $2::text`,
    [flowId, busy, waiting],
  );
  if (rowCount === 1) return;
  await client.query(
    `INSERT INTO run (workspace_id, flow_id, version, kind, mode, trigger, started_by, state, finished_at, request, error)
     VALUES ($1, $2, $3, 'flow', 'live', 'schedule', 'schedule', 'cancelled', now(),
       jsonb_build_object('skipped', 1, 'behind', $4::text), jsonb_build_object('code', 'skipped-overlap', 'message',
         format('Skipped: run %s was still at work%s when the schedule came round.', $4::text, $5::text)))`,
    [workspaceId, flowId, version, busy, waiting],
  );
}
