/** Takes hold of a run for one attempt, by compare-and-set; a flow has one live run at a time (column `slot`). */
import type pg from "pg";
import type { Json } from "../../connectors/sdk/types.ts";
import type { Totals } from "../../engine/run/run-pages.ts";
import { statesFor } from "../../engine/run/states.ts";
import type { Lease } from "../db/run-store/lease.ts";
import type { RunKind, RunMode } from "../trpc/contract/runs.ts";

export type ClaimedRun = {
  lease: Lease;
  document: unknown;
  request: { [name: string]: unknown };
  /** a wish that came while nobody worked on the run */
  stopRequest: "cancel" | "pause" | null;
  parentId: string | null;
  /** what started it: `manual`, `schedule`, `changes` … */
  trigger: string;
  attempt: number;
  failures: number;
  failingSince: Date | null;
  startedAt: Date;
  totals: Totals;
  /** null before the first checkpoint */
  checkpoint: { page: number; cursor: Json; memory: { stoppedAt?: { read: number; dead: number } } } | null;
  /** it is divided: its stretches are free to be worked on now, and there is nothing else to do */
  stretches: number | null;
};

type ClaimRow = {
  token: number;
  workspaceId: string;
  flowId: string;
  version: number | null;
  kind: RunKind;
  mode: RunMode;
  document: unknown;
  request: { [name: string]: unknown };
  /** a wish that came while nobody worked on the run */
  stopRequest: "cancel" | "pause" | null;
  parentId: string | null;
  trigger: string;
  attempt: number;
  failures: number;
  failingSince: Date | null;
  startedAt: Date;
  totals: Totals;
  stretches: number | null;
  page: number | null;
  cursor: Json;
  memory: { stoppedAt?: { read: number; dead: number } } | null;
};

export const TOTALS = `jsonb_build_object('read', r.read, 'created', r.created, 'updated', r.updated, 'deleted', r.deleted,
  'unchanged', r.unchanged, 'filtered', r.filtered, 'duplicate', r.duplicate, 'dead', r.dead, 'held', r.held,
  'restored', r.restored, 'conflict', r.conflict, 'failed', r.failed)`;

const CLAIM = `
  WITH claimed AS (UPDATE run SET state = 'running', lease_worker = CASE WHEN stretches IS NULL THEN $2 END, lease_token = lease_token + 1, attempt = attempt + 1,
      slot = CASE WHEN kind = 'flow' AND mode = 'live' THEN flow_id END,
      started_at = coalesce(started_at, now()), wait_reason = NULL, resume_at = NULL, error = NULL
    WHERE id = $1::bigint AND state = ANY($3)
      AND (state <> 'waiting' OR resume_at <= now() + interval '1 second')
      AND NOT EXISTS (SELECT FROM inbox_queue q WHERE q.flow_id = run.flow_id AND q.id = run.id)
    RETURNING *),
  opened AS (UPDATE run_stretch s SET ending = NULL, waiting_records = 0 FROM claimed WHERE s.run_id = claimed.id)
  SELECT r.lease_token AS token, r.workspace_id AS "workspaceId", r.flow_id AS "flowId", r.version, r.kind, r.mode,
    coalesce(r.document, v.document) AS document, r.request, r.stop_request AS "stopRequest", r.parent_id::text AS "parentId", r.trigger, r.attempt, r.failures,
    r.failing_since AS "failingSince", r.started_at AS "startedAt", ${TOTALS} AS totals,
    r.stretches, c.page, c.cursor, c.memory
  FROM claimed r
  LEFT JOIN flow_version v ON v.flow_id = r.flow_id AND v.version = r.version
  LEFT JOIN checkpoint c ON c.run_id = r.id`;

const UNIQUE_VIOLATION = "23505";

/**
 * @returns null when there is nothing to do: the run ended, is held by another worker, is not due yet, is that of an event
 * that waits (server/events works on those), or its flow is
 * busy with another run (then it waits for that one's end)
 */
export async function claimRun(pool: pg.Pool, runId: string, workerId: string): Promise<ClaimedRun | null> {
  let row: ClaimRow | undefined;
  try {
    const { rows } = await pool.query<ClaimRow>({
      name: "run-claim",
      text: CLAIM,
      values: [runId, workerId, statesFor("claim")],
    });
    row = rows[0];
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === UNIQUE_VIOLATION)) throw error;
    await pool.query(
      `UPDATE run SET state = 'waiting', wait_reason = 'flow-busy', resume_at = NULL WHERE id = $1 AND state = ANY($2)`,
      [runId, statesFor("wait")],
    );
    return null;
  }
  if (!row) return null;
  const { token, workspaceId, flowId, version, kind, mode, page, cursor, memory, ...rest } = row;
  return {
    ...rest,
    lease: { runId, token, workspaceId, flowId, version, kind, mode },
    checkpoint: page === null ? null : { page, cursor, memory: memory ?? {} },
  };
}
