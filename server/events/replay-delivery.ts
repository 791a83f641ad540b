import { randomUUID } from "node:crypto";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import { Conflict, NotFound } from "../errors.ts";
import { lockFlow } from "../flows/lock-flow.ts";
import { EVENTS_CHANNEL } from "../intake/inbox.ts";

/**
 * Takes a delivery in once more, as a new event with a run of its own; the first stays as it is.
 *
 * @returns number of the new delivery and its run
 * @throws NotFound no such delivery
 * @throws Conflict `not-published` its flow has no version that runs
 */
export async function replayDelivery(ctx: ServerContext, id: string): Promise<{ id: string }> {
  if (!/^\d{1,18}$/.test(id)) throw new NotFound("delivery", id);
  const { workspaceId, actor } = ctx;
  return ctx.db.$transaction(async (tx) => {
    const found = await tx.inboxEvent.findFirst({ where: { id: BigInt(id), workspaceId }, select: { flowId: true } });
    if (found === null) throw new NotFound("delivery", id);
    const flow = await lockFlow(tx, ctx, found.flowId, "share");
    if (flow.liveVersion === null)
      throw new Conflict("not-published", `“${flow.name}” has no published version. Publish it, then replay.`);
    const [again] = await tx.$queryRaw<{ id: string }[]>`
      WITH again AS (
        INSERT INTO inbox_event (workspace_id, flow_id, event_id, content_type, headers, body, replay_of, sent_by)
        SELECT workspace_id, flow_id, ${`replay:${id}:${randomUUID()}`}, content_type, headers, body, id, ${actor.name}
        FROM inbox_event WHERE id = ${BigInt(id)} RETURNING id, workspace_id, flow_id, octet_length(body) AS size),
      queued AS (INSERT INTO inbox_queue (workspace_id, flow_id, id, size_bytes)
        SELECT workspace_id, flow_id, id, size FROM again)
      SELECT id::text AS id FROM again`;
    if (again === undefined) throw new NotFound("delivery", id);
    await tx.$executeRaw`SELECT pg_notify(${EVENTS_CHANNEL}, ${flow.id})`;
    await audit(tx, ctx, "delivery.replay", id, { flow: flow.id, run: again.id });
    return again;
  });
}
