/**
 * The end of a run that fits into one page: it has no checkpoint, no counters of steps and nothing remembered from pages before.
 * The ends of several runs go in one statement, so with one commit, and each lets the run go on that waits for its flow.
 */
import type pg from "pg";
import { type Checkpoint, type CheckpointReply, LeaseLost } from "../../../engine/ports.ts";
import { runJob } from "../../jobs/enqueue.ts";
import { STILL } from "../lanes.ts";
import { storableJson } from "../storable.ts";
import { together } from "../together.ts";
import { CLAIMED, type ClaimedRun, type ClaimRow, claimedRun } from "./claimed-run.ts";
import { SUMS } from "./counters.ts";
import type { Lease } from "./lease.ts";
import { flowToGoOn } from "./run-end.ts";

/** Who works on the next run of the flow when this one ends. */
export type Succession = {
  /** the worker that goes on with it at once; null: it is queued for any */
  worker(): string | null;
  take(run: ClaimedRun): void;
};

type Whole = { lease: Lease; checkpoint: Checkpoint; worker: string | null };

/**
 * Whether a checkpoint is all there is of a run: what later pages would have to know of earlier ones does not exist.
 * @param plain it holds counters only, and perhaps a watermark
 */
export function isWhole(lease: Lease, { page, after }: Checkpoint, plain: boolean): boolean {
  return plain && page === 0 && after.kind === "finish" && lease.kind === "flow" && !lease.stretch;
}

// A run that was worked on before is queued instead of taken: it may have to be picked up where it was left.
const END = `
  WITH l AS MATERIALIZED (SELECT * FROM json_to_recordset($1::json) AS l(n int, run bigint, token int, state text, error jsonb,
    flow text, worker text, d jsonb, steps jsonb, marked text, watermark jsonb)),
  ended AS (UPDATE run SET ${SUMS}, failures = 0, failing_since = NULL, state = c.state, error = c.error, lease_worker = NULL,
      slot = NULL, finished_at = now(), steps = c.steps
    FROM l AS c WHERE run.id = ANY(ARRAY(SELECT run FROM l)) AND run.id = c.run AND run.lease_token = c.token AND ${STILL("running")}
    RETURNING c.n, run.id, run.workspace_id, run.flow_id, run.stop_request, c.flow, c.worker, c.marked, c.watermark),
  sent AS (DELETE FROM sending_page WHERE run_id = ANY(ARRAY(SELECT id FROM ended))),
  marked AS (INSERT INTO flow_position (flow_id, step_id, workspace_id, watermark, run_id, updated_at)
    SELECT flow_id, marked, workspace_id, watermark, id, now() FROM ended WHERE marked IS NOT NULL
    ON CONFLICT (flow_id, step_id) DO UPDATE SET watermark = excluded.watermark, run_id = excluded.run_id, updated_at = now()),
  heir AS MATERIALIZED (SELECT e.n, w.id, CASE WHEN w.attempt = 0 THEN e.worker END AS worker
    FROM ended e, LATERAL (SELECT id, attempt FROM run WHERE flow_id = e.flow AND wait_reason = 'flow-busy'
      AND ${STILL("waiting")} AND stop_request IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) AS w),
  next AS (UPDATE run SET wait_reason = NULL, state = CASE WHEN h.worker IS NULL THEN 'queued' ELSE 'running' END,
      lease_worker = h.worker, lease_token = lease_token + 1, attempt = attempt + (h.worker IS NOT NULL)::int,
      slot = CASE WHEN h.worker IS NOT NULL THEN flow_id END,
      started_at = CASE WHEN h.worker IS NULL THEN started_at ELSE coalesce(started_at, now()) END
    FROM heir h WHERE run.id = ANY(ARRAY(SELECT id FROM heir)) AND run.id = h.id RETURNING h.n, run.*),
  job AS (SELECT (${runJob("next.id")}).id FROM next WHERE next.state = 'queued')
  SELECT e.n, e.stop_request AS stop, (SELECT count(job.id) FROM job) AS jobs, ${CLAIMED}
  FROM ended e LEFT JOIN next r ON r.n = e.n AND r.state = 'running' LEFT JOIN checkpoint c ON c.run_id = r.id`;

type EndRow = { n: number; stop: "cancel" | "pause" | null; jobs: string } & ClaimRow;

const endRuns = together<Whole, { reply: CheckpointReply; next: ClaimedRun | null } | null>({
  most: 32,
  async work(lanes, runs) {
    const described = runs.map(({ lease, checkpoint, worker }, n) => {
      const { counts, after, watermark, steps } = checkpoint;
      if (after.kind !== "finish") throw new Error("A run that goes on has not ended.");
      return {
        n,
        run: lease.runId,
        token: lease.token,
        state: after.state,
        error: after.error,
        flow: flowToGoOn(lease),
        worker,
        d: counts,
        steps: Object.entries(steps).map(([id, counted]) => ({ id, ...counted })),
        ...(watermark && lease.mode === "live" ? { marked: watermark.step, watermark: watermark.value } : {}),
      };
    });
    const { rows } = await lanes.query<EndRow>({ name: "runs-end", text: END, values: [storableJson(described)] });
    const ends = new Map(
      rows.map(({ n, stop, jobs: _, ...next }) => [
        n,
        { reply: { stop }, next: next.runId === null ? null : claimedRun(next as ClaimRow) },
      ]),
    );
    return runs.map((_, n) => ends.get(n) ?? null);
  },
});

/** @throws LeaseLost when another attempt holds the run; then nothing of it is stored */
export async function storeWhole(
  pool: pg.Pool,
  lease: Lease,
  checkpoint: Checkpoint,
  succession: Succession | undefined,
): Promise<CheckpointReply> {
  const end = await endRuns(pool, { lease, checkpoint, worker: succession?.worker() ?? null });
  if (!end) throw new LeaseLost(lease.runId);
  if (end.next) succession?.take(end.next);
  return end.reply;
}
