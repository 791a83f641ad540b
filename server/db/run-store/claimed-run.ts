/** A run a worker has taken for one attempt, as the statements that take one give it. */
import type { Json } from "../../../connectors/sdk/types.ts";
import type { Totals } from "../../../engine/run/run-pages.ts";
import type { Lease } from "./lease.ts";

export type ClaimedRun = {
  lease: Lease;
  /** of a draft that is run; a published version is read when it is needed (`documentOf`) */
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
  /** some letters of its flow are open */
  openLetters: boolean;
  /** it is divided: its stretches are free to be worked on now, and there is nothing else to do */
  stretches: number | null;
};

export type ClaimRow = Omit<ClaimedRun, "lease" | "checkpoint"> &
  Pick<Lease, "runId" | "token" | "workspaceId" | "flowId" | "version" | "kind" | "mode"> & {
    page: number | null;
    cursor: Json;
    memory: NonNullable<ClaimedRun["checkpoint"]>["memory"] | null;
  };

export const TOTALS = `jsonb_build_object('read', r.read, 'created', r.created, 'updated', r.updated, 'deleted', r.deleted,
  'unchanged', r.unchanged, 'filtered', r.filtered, 'duplicate', r.duplicate, 'dead', r.dead, 'held', r.held,
  'restored', r.restored, 'conflict', r.conflict, 'failed', r.failed)`;

/** What becomes of a row of `run` when a worker takes it. @param worker SQL of its id */
export const TAKE = (
  worker: string,
) => `state = 'running', lease_worker = CASE WHEN run.stretches IS NULL THEN ${worker} END,
  lease_token = run.lease_token + 1, attempt = run.attempt + 1,
  slot = CASE WHEN run.kind = 'flow' AND run.mode = 'live' THEN run.flow_id END,
  started_at = coalesce(run.started_at, now()), wait_reason = NULL, resume_at = NULL, error = NULL`;

/** The columns of a ClaimRow, of `run r` with its `checkpoint c`. */
export const CLAIMED = `r.id::text AS "runId", r.lease_token AS token, r.workspace_id AS "workspaceId", r.flow_id AS "flowId",
  r.version, r.kind, r.mode, r.document, r.request, r.stop_request AS "stopRequest", r.parent_id::text AS "parentId", r.trigger,
  r.attempt, r.failures, r.failing_since AS "failingSince", r.started_at AS "startedAt", ${TOTALS} AS totals, r.stretches,
  EXISTS (SELECT FROM dead_letter d WHERE d.flow_id = r.flow_id AND d.state = 'open') AS "openLetters",
  c.page, c.cursor, c.memory`;

export function claimedRun(row: ClaimRow): ClaimedRun {
  const { runId, token, workspaceId, flowId, version, kind, mode, page, cursor, memory, ...rest } = row;
  return {
    ...rest,
    lease: { runId, token, workspaceId, flowId, version, kind, mode },
    checkpoint: page === null ? null : { page, cursor, memory: memory ?? {} },
  };
}
