/** How a row of table `run` becomes what screens and the REST interface show. */
import type { RunState } from "../../engine/run/states.ts";
import type { Counts, RunError, RunKind, RunMode, RunSummary, UndoCounts } from "../trpc/contract/runs.ts";
import { waitingSentence } from "./waiting.ts";

/** Records read and not written yet, while the run waits: they have the outcome held until it goes on. */
export const HELD = "CASE WHEN r.state = 'waiting' THEN r.waiting_records ELSE 0 END";

/** The columns of a summary; the query joins `flow f` to `run r` (left: a flow may be gone). */
export const RUN_COLUMNS = `r.id::text AS id, r.flow_id AS "flowId", coalesce(f.name, r.flow_id) AS "flowName", r.version,
  r.kind, r.mode, r.state, r.trigger, r.started_by AS "startedBy", r.created_at AS "createdAt",
  r.started_at AS "startedAt", r.finished_at AS "finishedAt", r.wait_reason AS "waitReason", r.resume_at AS "resumeAt", r.wait_connection AS "waitConnection",
  r.error, r.parent_id::text AS "parentId", r.request ->> 'since' AS since, (r.read + ${HELD})::float8 AS read, r.created::float8, r.updated::float8, r.deleted::float8,
  r.unchanged::float8, r.filtered::float8, r.duplicate::float8, r.dead::float8, (r.held + ${HELD})::float8 AS held, r.restored::float8,
  r.conflict::float8, r.failed::float8`;

export const RUN_FROM = `run r LEFT JOIN flow f ON f.id = r.flow_id`;

export type RunRow = {
  id: string;
  flowId: string;
  flowName: string;
  version: number | null;
  kind: RunKind;
  mode: RunMode;
  state: RunState;
  trigger: string;
  startedBy: string;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
  waitReason: string | null;
  resumeAt: Date | null;
  waitConnection: string | null;
  error: unknown;
  parentId: string | null;
  since: string | null;
} & Counts &
  UndoCounts;

export function toRunSummary(row: RunRow): RunSummary {
  const error = toRunError(row.error);
  return {
    id: row.id,
    flowId: row.flowId,
    flowName: row.flowName,
    version: row.version,
    kind: row.kind,
    mode: row.mode,
    state: row.state,
    trigger: row.trigger,
    startedBy: row.startedBy,
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
    counts: {
      read: row.read,
      created: row.created,
      updated: row.updated,
      deleted: row.deleted,
      unchanged: row.unchanged,
      filtered: row.filtered,
      duplicate: row.duplicate,
      dead: row.dead,
      held: row.held,
    },
    undoCounts: { read: row.read, restored: row.restored, conflict: row.conflict, failed: row.failed },
    waiting: waitingSentence(row, error),
    error,
    parentId: row.parentId,
    since: row.since,
  };
}

/** Does the balance close: is every record read accounted for by exactly one outcome (DESIGN §1)? */
export function isBalanced({ kind, counts, undoCounts }: Pick<RunSummary, "kind" | "counts" | "undoCounts">): boolean {
  if (kind === "undo") return undoCounts.read === undoCounts.restored + undoCounts.conflict + undoCounts.failed;
  const { read, ...outcomes } = counts;
  return read === Object.values(outcomes).reduce((sum, count) => sum + count, 0);
}

function toRunError(error: unknown): RunError | null {
  if (typeof error !== "object" || error === null || !("message" in error)) return null;
  const { code, message, step } = error as { code?: unknown; message: unknown; step?: unknown };
  return {
    code: typeof code === "string" ? code : "unexpected",
    message: String(message),
    ...(typeof step === "string" ? { step } : {}),
  };
}
