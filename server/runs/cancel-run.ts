import { statesFor } from "../../engine/run/states.ts";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import type { Tx } from "../db/prisma.ts";
import { Conflict, NotFound } from "../errors.ts";
import { notify } from "../live/notify.ts";
import { notifyRun } from "./notify-run.ts";

/**
 * Ends a run: one that has not begun or waits ends at once, one that works ends at its next page.
 *
 * @throws NotFound no such run
 * @throws Conflict `run-finished`
 */
export async function cancelRun(ctx: ServerContext, runId: string): Promise<{ ok: true; state: string }> {
  if (!/^\d{1,18}$/.test(runId)) throw new NotFound("run", runId);
  return ctx.db.$transaction(async (tx) => {
    const [run] = await tx.$queryRaw<{ flowId: string; state: string }[]>`
      SELECT flow_id AS "flowId", state FROM run
      WHERE id = ${BigInt(runId)} AND workspace_id = ${ctx.workspaceId} FOR UPDATE`;
    if (run === undefined) throw new NotFound("run", runId);
    if (!statesFor("cancel").some((state) => state === run.state))
      throw new Conflict("run-finished", `Run ${runId} has already ended (${run.state}); there is nothing to cancel.`);
    await cancelRuns(tx, ctx, [BigInt(runId)]);
    await audit(tx, ctx, "run.cancel", runId, { flow: run.flowId });
    return { ok: true, state: run.state === "running" ? "running" : "cancelled" };
  });
}

/**
 * Cancels queued and waiting runs at once and asks running ones to stop. Letters a cancelled replay held are open
 * again.
 */
export async function cancelRuns(tx: Tx, ctx: ServerContext, runIds: bigint[]): Promise<void> {
  const ended = await tx.$queryRaw<{ id: bigint }[]>`
    UPDATE run SET state = 'cancelled', finished_at = now(), slot = NULL, wait_reason = NULL, resume_at = NULL,
      lease_worker = NULL, lease_token = lease_token + 1
    WHERE id = ANY(${runIds}) AND state IN ('queued', 'waiting') RETURNING id`;
  await tx.$executeRaw`UPDATE run SET stop_request = 'cancel' WHERE id = ANY(${runIds}) AND state = 'running'`;
  const opened = await tx.$queryRaw<{ flowId: string }[]>`
    UPDATE dead_letter SET state = 'open', replay_run_id = NULL
    WHERE replay_run_id = ANY(${ended.map(({ id }) => id)}) AND state = 'replaying' RETURNING flow_id AS "flowId"`;
  for (const { id } of ended) await notifyRun(tx, ctx, id.toString());
  for (const flowId of new Set(opened.map((letter) => letter.flowId)))
    await notify(tx, ctx.workspaceId, { type: "letters", flowId });
}
