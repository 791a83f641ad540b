import { z } from "zod";
import { RUN_STATES } from "../../engine/run/states.ts";
import type { ServerContext } from "../context.ts";
import { AnyId } from "../db/storable.ts";
import { Limit, NumberCursor, pageOf } from "../paging.ts";
import type { RunSummary } from "../trpc/contract/runs.ts";
import { RUN_COLUMNS, RUN_FROM, type RunRow, toRunSummary } from "./run-row.ts";

export const ListRuns = z.object({
  flowId: AnyId.optional(),
  state: z.enum(RUN_STATES).optional(),
  kind: z.enum(["flow", "undo", "replay"]).optional(),
  cursor: NumberCursor.optional(),
  limit: Limit,
});
export type ListRuns = z.output<typeof ListRuns>;

/**
 * Runs of the workspace, newest first.
 *
 * @returns `next`: the cursor for the following page, null at the end
 */
export async function listRuns(
  { pool, workspaceId }: ServerContext,
  { flowId, state, kind, cursor, limit }: ListRuns,
): Promise<{ items: RunSummary[]; next: string | null }> {
  const { rows } = await pool.query<RunRow>(
    `SELECT ${RUN_COLUMNS} FROM ${RUN_FROM}
     WHERE r.workspace_id = $1 AND ($2::text IS NULL OR r.flow_id = $2) AND ($3::text IS NULL OR r.state = $3)
       AND ($4::text IS NULL OR r.kind = $4) AND ($5::bigint IS NULL OR r.id < $5)
     ORDER BY r.id DESC LIMIT $6`,
    [workspaceId, flowId ?? null, state ?? null, kind ?? null, cursor ?? null, limit + 1],
  );
  return pageOf(rows.map(toRunSummary), limit, (run) => run.id);
}
