import { isFinal } from "../../engine/run/states.ts";
import type { ServerContext } from "../context.ts";
import { groupsOfRun } from "../dead-letters/list-groups.ts";
import { NotFound } from "../errors.ts";
import type { Holding, RunDetail, RunStepCounts, RunSummary } from "../trpc/contract/runs.ts";
import { isBalanced, RUN_COLUMNS, RUN_FROM, type RunRow, toRunSummary } from "./run-row.ts";

export type RunWithSteps = {
  run: RunSummary;
  steps: RunStepCounts[];
  balanced: boolean;
  document: unknown;
  flowRemoved: boolean;
  range: RunDetail["range"];
};

/**
 * One run with its counts per step, in the order of the document's steps.
 *
 * @throws NotFound no such run in the workspace
 */
export async function getRun({ pool, workspaceId }: ServerContext, runId: string): Promise<RunWithSteps> {
  if (!/^\d{1,18}$/.test(runId)) throw new NotFound("run", runId);
  const { rows } = await pool.query<
    RunRow &
      Pick<RunDetail, "flowRemoved" | "range"> & { document: unknown; eventSteps: Partial<RunStepCounts>[] | null }
  >(
    `SELECT ${RUN_COLUMNS}, coalesce(r.document, v.document) AS document, r.steps AS "eventSteps",
       f.id IS NULL OR f.deleted_at IS NOT NULL AS "flowRemoved", r.request -> 'backfill' AS range FROM ${RUN_FROM}
     LEFT JOIN flow_version v ON v.flow_id = r.flow_id AND v.version = r.version
     WHERE r.id = $1 AND r.workspace_id = $2`,
    [runId, workspaceId],
  );
  const [row] = rows;
  if (row === undefined) return await waitingEvent(pool, workspaceId, runId);
  const run = toRunSummary(row);
  const { document, flowRemoved, range } = row;
  if (row.eventSteps !== null) {
    const steps = row.eventSteps.map((step) => ({ ...NO_STEP, ...step }) as RunStepCounts);
    return { run, steps: inDocumentOrder(steps, document), balanced: isBalanced(run), document, flowRemoved, range };
  }
  const counted = await pool.query<RunStepCounts>(
    `SELECT step_id AS id, "in"::float8, made::float8, out::float8, joined::float8, ports, created::float8, updated::float8, deleted::float8,
       unchanged::float8, filtered::float8, duplicate::float8, dead::float8, held::float8
     FROM run_step WHERE run_id = $1 ORDER BY step_id`,
    [runId],
  );
  const steps = inDocumentOrder(counted.rows, run.kind === "undo" ? undefined : document);
  return { run, steps, balanced: isBalanced(run), document, flowRemoved, range };
}

/** The run of an event that was stored and not worked on yet. @throws NotFound */
async function waitingEvent(pool: ServerContext["pool"], workspaceId: string, runId: string): Promise<RunWithSteps> {
  const { rows } = await pool.query<RunRow & { document: unknown }>(
    `SELECT ${RUN_COLUMNS}, v.document FROM inbox_event e JOIN flow f ON f.id = e.flow_id
     JOIN flow_version v ON v.flow_id = f.id AND v.version = f.live_version,
     LATERAL (SELECT (jsonb_populate_record(NULL::run, jsonb_build_object('id', e.id, 'flow_id', e.flow_id, 'kind', 'flow', 'mode', 'live',
       'version', f.live_version, 'state', 'queued', 'trigger', 'webhook', 'started_by', e.sent_by, 'created_at', e.received_at,
       'read', 0, 'created', 0, 'updated', 0, 'deleted', 0, 'unchanged', 0, 'filtered', 0, 'duplicate', 0, 'dead', 0, 'held', 0,
       'restored', 0, 'conflict', 0, 'failed', 0, 'waiting_records', 0))).*) AS r
     WHERE e.id = $1 AND e.workspace_id = $2`,
    [runId, workspaceId],
  );
  const [row] = rows;
  if (row === undefined) throw new NotFound("run", runId);
  const run = toRunSummary(row);
  const steps = inDocumentOrder([], row.document);
  return { run, steps, balanced: true, document: row.document, flowRemoved: false, range: null };
}

/**
 * All a run page shows: the run, its letters by reason, the runs that undo it or replay its letters, and what of it
 * can be undone.
 *
 * @throws NotFound no such run in the workspace
 */
export async function getRunDetail(ctx: ServerContext, runId: string): Promise<RunDetail> {
  const { run, steps, balanced, document, flowRemoved, range } = await getRun(ctx, runId);
  const [letterGroups, related, undo, holding] = await Promise.all([
    groupsOfRun(ctx, runId),
    relatedRuns(ctx, run),
    undoTally(ctx, run),
    stillHeld(ctx, run),
  ]);
  return { ...run, steps, document, balanced, letterGroups, related, undo, holding, range, flowRemoved };
}

/** What a run held back goes on in runs of its own, so its own counts do not tell what of it still waits. */
async function stillHeld({ pool, workspaceId }: ServerContext, run: RunSummary): Promise<Holding> {
  const none: Holding = { parked: 0, approvals: 0, waits: 0, nextAt: null, cancelled: 0 };
  if (run.mode === "dry" || !isFinal(run.state) || run.counts.held === 0) return none;
  const { rows } = await pool.query<{ kind: string; count: number; nextAt: Date | null }>(
    `SELECT 'parked' AS kind, count(*)::float8 AS count, NULL::timestamptz AS "nextAt" FROM parked_record
       WHERE workspace_id = $1 AND flow_id = $2 AND run_id = $3
     UNION ALL SELECT CASE state WHEN 'open' THEN kind ELSE state END, count(*)::float8, min(due_at) FROM held_part
       WHERE workspace_id = $1 AND flow_id = $2 AND run_id = $3 AND state IN ('open', 'cancelled') GROUP BY 1`,
    [workspaceId, run.flowId, run.id],
  );
  const of = (kind: string) => rows.find((row) => row.kind === kind);
  return {
    parked: of("parked")?.count ?? 0,
    approvals: of("approve")?.count ?? 0,
    waits: of("wait")?.count ?? 0,
    nextAt: of("wait")?.nextAt?.toISOString() ?? null,
    cancelled: of("cancelled")?.count ?? 0,
  };
}

async function relatedRuns({ pool, workspaceId }: ServerContext, run: RunSummary): Promise<RunSummary[]> {
  const { rows } = await pool.query<RunRow>(
    `SELECT ${RUN_COLUMNS} FROM ${RUN_FROM}
     WHERE r.workspace_id = $1 AND r.id <> $2
       AND (r.parent_id = $2 OR r.id = $3
         OR r.id IN (SELECT replay_run_id FROM dead_letter WHERE run_id = $2 AND workspace_id = $1))
     ORDER BY r.id DESC LIMIT 100`,
    [workspaceId, run.id, run.parentId],
  );
  return rows.map(toRunSummary);
}

async function undoTally({ pool, workspaceId }: ServerContext, run: RunSummary): Promise<RunDetail["undo"]> {
  const tally = { possible: 0, done: 0, conflict: 0, notPossible: 0 };
  // only what has ended can be undone; a page of a run at work is asked for often and should not count its whole ledger
  if (run.mode === "dry" || !isFinal(run.state)) return tally;
  const { rows } = await pool.query<{ undo: string; count: number }>(
    `SELECT undo, count(*)::float8 AS count FROM change
     WHERE run_id = $1 AND workspace_id = $2 AND at >= $3::timestamptz - interval '1 hour' AND state IN ('done', 'unknown')
     GROUP BY undo`,
    [run.id, workspaceId, run.createdAt],
  );
  for (const { undo, count } of rows) {
    if (undo === "not possible") tally.notPossible = count;
    else if (undo === "possible" || undo === "done" || undo === "conflict") tally[undo] = count;
  }
  return tally;
}

const NOTHING = { created: 0, updated: 0, deleted: 0, unchanged: 0, filtered: 0, duplicate: 0, dead: 0, held: 0 };

const NO_STEP = { in: 0, out: 0, ports: {}, ...NOTHING };

/** Steps nothing has reached yet count zero; those the document does not name (it was changed by hand) come last. */
function inDocumentOrder(counted: RunStepCounts[], document: unknown): RunStepCounts[] {
  const known = new Map(counted.map((step) => [step.id, step]));
  const ids = new Set([...stepIds(document), ...known.keys()]);
  return [...ids].map((id) => known.get(id) ?? { id, ...NO_STEP });
}

function stepIds(document: unknown): string[] {
  const steps = (document as { steps?: unknown } | null | undefined)?.steps;
  if (!Array.isArray(steps)) return [];
  return steps.flatMap((step: unknown) => {
    const id = (step as { id?: unknown } | null)?.id;
    return typeof id === "string" ? [id] : [];
  });
}
