import { z } from "zod";
import type { ServerContext } from "../context.ts";
import { AnyId } from "../db/storable.ts";
import type { DeadLetterGroup } from "../trpc/contract/runs.ts";
import { type GroupRow, groupsSql, toDeadLetterGroup } from "./letter-row.ts";

export const ListGroups = z.object({ flowId: AnyId.optional() });
export type ListGroups = z.output<typeof ListGroups>;

/** Open dead letters by what is wrong with them, the largest group first. */
export async function listGroups(
  { pool, workspaceId }: ServerContext,
  { flowId }: ListGroups,
): Promise<DeadLetterGroup[]> {
  const { rows } = await pool.query<GroupRow>(
    groupsSql("d.workspace_id = $1 AND d.state = 'open' AND ($2::text IS NULL OR d.flow_id = $2)"),
    [workspaceId, flowId ?? null],
  );
  return rows.map(toDeadLetterGroup);
}

/** What failed in one run, by reason: its own letters whatever became of them, also those a later run took over, and those it replayed in vain. */
export async function groupsOfRun({ pool, workspaceId }: ServerContext, runId: string): Promise<DeadLetterGroup[]> {
  const { rows } = await pool.query<GroupRow>(
    groupsSql(
      "d.workspace_id = $1 AND (d.run_id = $2 OR d.id = ANY(ARRAY(SELECT letter_id FROM dead_letter_run WHERE run_id = $2)) OR (d.replay_run_id = $2 AND d.state = 'open'))",
    ),
    [workspaceId, runId],
  );
  return rows.map(toDeadLetterGroup);
}
