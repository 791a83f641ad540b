import { z } from "zod";
import { isFinal, RUN_STATES } from "../../engine/run/states.ts";
import type { ServerContext } from "../context.ts";
import { AnyId } from "../db/storable.ts";
import { NotFound } from "../errors.ts";
import { Limit, NumberCursor, pageOf } from "../paging.ts";
import type { RunSummary } from "../trpc/contract/runs.ts";
import { RUN_COLUMNS, RUN_FROM, type RunRow, toRunSummary } from "./run-row.ts";

export const ListCovered = z.object({ runId: AnyId, cursor: NumberCursor.optional(), limit: Limit });
export type ListCovered = z.output<typeof ListCovered>;

/**
 * The runs an undo of all runs since a moment puts back, newest first: those that wrote something, replays and earlier
 * undos among them. Of any other run: none.
 *
 * @throws NotFound no such run in the workspace
 */
export async function listCovered(
  { pool, workspaceId }: ServerContext,
  { runId, cursor, limit }: ListCovered,
): Promise<{ items: RunSummary[]; next: string | null }> {
  if (!/^\d{1,18}$/.test(runId)) throw new NotFound("run", runId);
  const { rows: found } = await pool.query<{ flowId: string; since: string | null }>(
    "SELECT flow_id AS \"flowId\", request ->> 'since' AS since FROM run WHERE id = $1 AND workspace_id = $2",
    [runId, workspaceId],
  );
  const [undo] = found;
  if (undo === undefined) throw new NotFound("run", runId);
  if (undo.since === null) return { items: [], next: null };
  const { rows } = await pool.query<RunRow>(
    `SELECT ${RUN_COLUMNS} FROM ${RUN_FROM}
     WHERE r.flow_id = $1 AND r.workspace_id = $2 AND r.mode = 'live' AND r.started_at >= $3::timestamptz AND r.id < $4::bigint
       AND r.state = ANY($5) AND (r.created + r.updated + r.deleted + r.restored > 0 OR r.state IN ('failed', 'cancelled'))
       AND ($6::bigint IS NULL OR r.id < $6)
     ORDER BY r.id DESC LIMIT $7`,
    [undo.flowId, workspaceId, undo.since, runId, RUN_STATES.filter(isFinal), cursor ?? null, limit + 1],
  );
  return pageOf(rows.map(toRunSummary), limit, (run) => run.id);
}
