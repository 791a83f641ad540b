import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import { notify } from "../live/notify.ts";
import { lockFlow } from "./lock-flow.ts";

/**
 * Stops a flow: its schedule rests and its live runs halt at the next page (or within seconds, see stop-watch.ts), until it is resumed. Dry runs and undo runs
 * go on: one stops a flow in order to put things right.
 *
 * @throws NotFound no such flow
 */
export async function pauseFlow(ctx: ServerContext, flowId: string): Promise<{ paused: true }> {
  return ctx.db.$transaction(async (tx) => {
    const flow = await lockFlow(tx, ctx, flowId, "update");
    if (flow.paused) return { paused: true };
    await tx.flow.update({ where: { id: flowId }, data: { paused: true, pausedAt: new Date() } });
    await tx.schedule.updateMany({ where: { flowId }, data: { nextRunAt: null } });
    await tx.$executeRaw`
      UPDATE run SET stop_request = 'pause'
      WHERE flow_id = ${flowId} AND kind <> 'undo' AND mode = 'live' AND state = 'running' AND stop_request IS NULL`;
    await tx.$executeRaw`
      UPDATE run SET state = 'waiting', wait_reason = 'paused', resume_at = NULL
      WHERE flow_id = ${flowId} AND kind <> 'undo' AND mode = 'live' AND state IN ('queued', 'waiting')
        AND stop_request IS DISTINCT FROM 'cancel'`;
    await audit(tx, ctx, "flow.pause", flowId);
    await notify(tx, ctx.workspaceId, { type: "flow", flowId });
    return { paused: true };
  });
}
