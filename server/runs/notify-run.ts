import type { ServerContext } from "../context.ts";
import type { Tx } from "../db/prisma.ts";
import { notify } from "../live/notify.ts";
import { RUN_COLUMNS, RUN_FROM, type RunRow, toRunSummary } from "./run-row.ts";

/** Tells the screens how a run stands now, when the transaction commits. */
export async function notifyRun(tx: Tx, { workspaceId }: ServerContext, runId: string): Promise<void> {
  const [row] = await tx.$queryRawUnsafe<RunRow[]>(
    `SELECT ${RUN_COLUMNS} FROM ${RUN_FROM} WHERE r.id = $1::bigint AND r.workspace_id = $2`,
    runId,
    workspaceId,
  );
  if (row === undefined) return;
  const { id, flowId, state, kind, counts, undoCounts } = toRunSummary(row);
  const shown = kind === "undo" ? { ...counts, ...undoCounts } : counts;
  await notify(tx, workspaceId, { type: "run", runId: id, flowId, state, counts: shown });
}
