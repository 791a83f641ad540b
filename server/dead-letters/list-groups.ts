import { z } from "zod";
import type { ServerContext } from "../context.ts";
import { AnyId } from "../db/storable.ts";
import type { DeadLetterGroup } from "../trpc/contract.ts";
import { GROUP_COLUMNS, type GroupRow, toDeadLetterGroup } from "./letter-row.ts";

export const ListGroups = z.object({ flowId: AnyId.optional() });
export type ListGroups = z.output<typeof ListGroups>;

/** Open dead letters by what is wrong with them, the largest group first. */
export async function listGroups(
  { pool, workspaceId }: ServerContext,
  { flowId }: ListGroups,
): Promise<DeadLetterGroup[]> {
  const { rows } = await pool.query<GroupRow>(
    `SELECT ${GROUP_COLUMNS} FROM dead_letter d LEFT JOIN flow f ON f.id = d.flow_id
     WHERE d.workspace_id = $1 AND d.state = 'open' AND ($2::text IS NULL OR d.flow_id = $2)
     GROUP BY d.group_id ORDER BY count(*) DESC, d.group_id`,
    [workspaceId, flowId ?? null],
  );
  return rows.map(toDeadLetterGroup);
}

/** Letters of one run by reason, whatever their state: what a run page shows. */
export async function groupsOfRun({ pool, workspaceId }: ServerContext, runId: string): Promise<DeadLetterGroup[]> {
  const { rows } = await pool.query<GroupRow>(
    `SELECT ${GROUP_COLUMNS} FROM dead_letter d LEFT JOIN flow f ON f.id = d.flow_id
     WHERE d.workspace_id = $1 AND d.run_id = $2
     GROUP BY d.group_id ORDER BY count(*) DESC, d.group_id`,
    [workspaceId, runId],
  );
  return rows.map(toDeadLetterGroup);
}
