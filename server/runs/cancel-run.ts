import { statesFor } from "../../engine/run/states.ts";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import { Prisma } from "../db/generated/client.ts";
import type { Tx } from "../db/prisma.ts";
import { Conflict, NotFound } from "../errors.ts";
import { holdEvents, wakeCancelled } from "../events/cancel-events.ts";
import { enqueueRun } from "../jobs/enqueue.ts";
import { notify } from "../live/notify.ts";
import { notifyRun } from "./notify-run.ts";

/**
 * Ends a run: one that has not begun or waits between two pages ends at once, one that works ends at its next page, or within seconds (stop-watch.ts). Of one
 * that was interrupted in the middle of a page a worker first finds out what has arrived. Of one that has ended, the records that
 * wait as the flow asks do not go on any more (`cancelled`: how many); those that wait for a person's answer are told “no” instead.
 *
 * @throws NotFound no such run
 * @throws Conflict `run-finished` and nothing of it waits
 */
export async function cancelRun(
  ctx: ServerContext,
  runId: string,
): Promise<{ ok: true; state: string; cancelled?: number }> {
  if (!/^\d{1,18}$/.test(runId)) throw new NotFound("run", runId);
  return ctx.db.$transaction(async (tx) => {
    await holdEvents(tx, ctx, [BigInt(runId)]);
    const [run] = await tx.$queryRaw<{ flowId: string; state: string }[]>`
      SELECT flow_id AS "flowId", state FROM run
      WHERE id = ${BigInt(runId)} AND workspace_id = ${ctx.workspaceId} FOR UPDATE`;
    if (run === undefined) throw new NotFound("run", runId);
    if (!statesFor("cancel").some((state) => state === run.state)) {
      const cancelled = await cancelWaits(tx, ctx, runId);
      if (cancelled === 0)
        throw new Conflict(
          "run-finished",
          `Run ${runId} has already ended (${run.state}); there is nothing to cancel.`,
        );
      await audit(tx, ctx, "run.cancel", runId, { flow: run.flowId, waits: cancelled });
      await notifyRun(tx, ctx, runId);
      return { ok: true, state: run.state, cancelled };
    }
    await cancelRuns(tx, ctx, [BigInt(runId)]);
    await audit(tx, ctx, "run.cancel", runId, { flow: run.flowId });
    const { state } = await tx.run.findUniqueOrThrow({ where: { id: BigInt(runId) }, select: { state: true } });
    return { ok: true, state };
  });
}

/** Records of an ended run whose wait is not over stay held in its counts, and go nowhere. */
function cancelWaits(tx: Tx, { workspaceId, actor }: ServerContext, runId: string): Promise<number> {
  return tx.$executeRaw`
    UPDATE held_part SET state = 'cancelled', ended_at = now(), decided_at = now(), decided_by = ${actor.name}
    WHERE workspace_id = ${workspaceId} AND run_id = ${BigInt(runId)} AND kind = 'wait' AND state = 'open'`;
}

/** Are there writes beyond the last checkpoint? */
const HALF_SENT = Prisma.sql`(EXISTS (SELECT FROM sending_page s WHERE s.run_id = run.id)
  OR EXISTS (SELECT FROM change c WHERE c.run_id = run.id AND c.state IN ('done', 'unknown')
    AND c.page >= coalesce((SELECT page FROM checkpoint p WHERE p.run_id = run.id), 0)))`;

/**
 * Cancels queued and waiting runs at once and asks running ones to stop, as well as those that have writes to look up (of
 * events, their flow's drain is asked). Letters a cancelled replay held are open again.
 */
export async function cancelRuns(tx: Tx, ctx: ServerContext, runIds: bigint[]): Promise<void> {
  const events = await holdEvents(tx, ctx, runIds);
  const ended = await tx.$queryRaw<{ id: bigint }[]>`
    UPDATE run SET state = 'cancelled', finished_at = now(), slot = NULL, wait_reason = NULL, resume_at = NULL,
      waiting_records = 0, lease_worker = NULL, lease_token = lease_token + 1
    WHERE id = ANY(${runIds}) AND state IN ('queued', 'waiting') AND (attempt = 0 OR NOT ${HALF_SENT}) RETURNING id`;
  await tx.$executeRaw`DELETE FROM undo_row WHERE undo_run_id = ANY(${ended.map(({ id }) => id)})`;
  const asked = await tx.$queryRaw<{ id: bigint }[]>`
    UPDATE run SET stop_request = 'cancel', state = 'queued', wait_reason = NULL, resume_at = NULL
    WHERE id = ANY(${runIds}) AND state IN ('queued', 'waiting') RETURNING id`;
  for (const { id } of asked) if (!events.has(id)) await enqueueRun(tx, id.toString());
  if (events.size > 0) await wakeCancelled(tx, events);
  await tx.$executeRaw`UPDATE run SET stop_request = 'cancel' WHERE id = ANY(${runIds}) AND state = 'running'`;
  const opened = await tx.$queryRaw<{ flowId: string }[]>`
    UPDATE dead_letter SET state = 'open', replay_run_id = NULL
    WHERE replay_run_id = ANY(${ended.map(({ id }) => id)}) AND state = 'replaying' RETURNING flow_id AS "flowId"`;
  for (const { id } of [...ended, ...asked]) await notifyRun(tx, ctx, id.toString());
  for (const flowId of new Set(opened.map((letter) => letter.flowId)))
    await notify(tx, ctx.workspaceId, { type: "letters", flowId });
}
