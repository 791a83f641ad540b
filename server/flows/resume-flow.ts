import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import { EVENTS_CHANNEL } from "../intake/inbox.ts";
import { enqueueRun } from "../jobs/enqueue.ts";
import { notify } from "../live/notify.ts";
import { lockFlow } from "./lock-flow.ts";
import { schedule } from "./schedule-flow.ts";

/**
 * Lets a stopped flow go on: halted runs continue from their checkpoints, events that waited have their turn, the schedule
 * starts again from now. Of a flow
 * that was not stopped it lets those runs go on that stopped themselves because too many records failed.
 *
 * @throws NotFound no such flow
 */
export async function resumeFlow(ctx: ServerContext, flowId: string): Promise<{ paused: false }> {
  return ctx.db.$transaction(async (tx) => {
    const flow = await lockFlow(tx, ctx, flowId, "update");
    if (flow.paused) {
      await tx.flow.update({ where: { id: flowId }, data: { paused: false, pausedAt: null, pausedReason: null } });
      await schedule(tx, ctx, flowId, flow.liveVersion);
    }
    await tx.$executeRaw`
      UPDATE run SET stop_request = NULL WHERE flow_id = ${flowId} AND state = 'running' AND stop_request = 'pause'`;
    const halted = await tx.$queryRaw<{ id: bigint }[]>`
      UPDATE run SET state = 'queued', wait_reason = NULL, resume_at = NULL, stop_request = NULL
      WHERE flow_id = ${flowId} AND state = 'waiting' AND wait_reason IN ('paused', 'stopped') RETURNING id`;
    for (const { id } of halted.sort((a, b) => Number(a.id - b.id))) await enqueueRun(tx, id.toString());
    await tx.$executeRaw`SELECT pg_notify(${EVENTS_CHANNEL}, ${flowId})`;
    if (!flow.paused && halted.length === 0) return { paused: false };
    await audit(tx, ctx, "flow.resume", flowId, { runs: halted.length });
    await notify(tx, ctx.workspaceId, { type: "flow", flowId });
    return { paused: false };
  });
}
