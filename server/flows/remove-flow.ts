import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import { endFlowEvents, holdFlowEvents, sentEvents } from "../events/cancel-events.ts";
import { notify } from "../live/notify.ts";
import { cancelRuns } from "../runs/cancel-run.ts";
import { listenToTopic } from "../topics/listen-flow.ts";
import type { LeftRecorder } from "../trpc/contract/connections.ts";
import { leaveStream } from "../watching/leave-streams.ts";
import { watchStream } from "../watching/watch-flow.ts";
import { lockFlow } from "./lock-flow.ts";

/**
 * Removes a flow. What it did stays: its runs, the ledger (which can still be undone) and the journeys. Runs that have
 * not begun and waiting events are cancelled, one at work ends at its next page, open dead letters are closed. What recorded changes for it alone is
 * taken out of its source.
 *
 * @returns `recorders`: what could not be taken out, with what to do by hand
 * @throws NotFound no such flow, or it was removed before
 */
export async function removeFlow(
  ctx: ServerContext,
  flowId: string,
): Promise<{ ok: true; recorders?: LeftRecorder[] }> {
  const followed = await ctx.db.$transaction(async (tx) => {
    const flow = await lockFlow(tx, ctx, flowId, "update");
    await tx.flow.update({ where: { id: flowId }, data: { deletedAt: new Date() } });
    await tx.schedule.deleteMany({ where: { flowId } });
    await listenToTopic(tx, ctx, flowId, null);
    const before = await watchStream(tx, ctx, flowId, null);
    await holdFlowEvents(tx, flowId);
    const runs = await tx.$queryRaw<{ id: bigint }[]>`
      SELECT id FROM run WHERE flow_id = ${flowId} AND kind <> 'undo' AND state IN ('queued', 'running', 'waiting')`;
    const active = [...new Set([...runs.map(({ id }) => id), ...(await sentEvents(tx, flowId))])];
    await cancelRuns(tx, ctx, active);
    await endFlowEvents(tx, flowId);
    await tx.$executeRaw`UPDATE held_part SET state = 'cancelled', ended_at = now() WHERE flow_id = ${flowId} AND state IN ('open', 'decided')`;
    const letters = await tx.$executeRaw`
      UPDATE dead_letter SET state = 'dismissed', note = 'The flow was removed.', closed_at = now(), closed_by = ${ctx.actor.name}
      WHERE flow_id = ${flowId} AND workspace_id = ${ctx.workspaceId} AND state = 'open'`;
    await audit(tx, ctx, "flow.remove", flowId, { name: flow.name, cancelled: active.length, letters });
    await notify(tx, ctx.workspaceId, { type: "flow", flowId });
    if (letters > 0) await notify(tx, ctx.workspaceId, { type: "letters", flowId });
    return before;
  });
  const recorders = await leaveStream(ctx, flowId, followed);
  return { ok: true, ...(recorders.length > 0 ? { recorders } : {}) };
}
