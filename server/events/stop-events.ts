/** A flow of events stops by itself when too many of its last events have failed. See docs/decisions/0009-events.md. */
import type pg from "pg";
import { EVENTS_WATCHED } from "../../engine/flow/schema.ts";
import { eventsStopped, type StopCondition } from "../../engine/run/stop-condition.ts";
import { LIVE_CHANNEL } from "../db/listen.ts";
import type { Batch } from "./settle-events.ts";

const isSet = ({ dead, deadShare }: StopCondition) => dead !== undefined || deadShare !== undefined;

/** Locks what `stopFlow` may change, before the flow's events: a person who stops or resumes it locks in this order. */
export async function holdFlow(client: pg.ClientBase, { lease }: Batch, stop: StopCondition): Promise<void> {
  if (isSet(stop)) await client.query("SELECT FROM flow WHERE id = $1 FOR NO KEY UPDATE", [lease.flowId]);
}

/** Stops the flow behind a batch that was settled in this transaction, if its condition says so. */
export async function stopFlow(client: pg.ClientBase, { lease, events }: Batch, stop: StopCondition): Promise<void> {
  if (!isSet(stop)) return;
  const { flowId, workspaceId } = lease;
  const { rows } = await client.query<{ read: number; dead: number }>(
    `SELECT coalesce(sum(read), 0)::float8 AS read, coalesce(sum(dead), 0)::float8 AS dead FROM (
       SELECT read, dead FROM run WHERE flow_id = $1 AND kind = 'flow' AND mode = 'live' AND trigger IN ('webhook', 'event')
         AND id > coalesce((SELECT counted_from FROM inbox_drain WHERE flow_id = $1), 0) AND finished_at IS NOT NULL
       ORDER BY id DESC LIMIT ${EVENTS_WATCHED}) AS last`,
    [flowId],
  );
  const stopped = eventsStopped(stop, rows[0] ?? { read: 0, dead: 0 });
  if (!stopped) return;
  await client.query("UPDATE flow SET paused = true, paused_at = now(), paused_reason = $2 WHERE id = $1", [
    flowId,
    stopped.message,
  ]);
  await client.query("UPDATE inbox_drain SET counted_from = $2 WHERE flow_id = $1", [flowId, events.at(-1)?.runId]);
  const event = { ws: workspaceId, type: "flow", flowId };
  await client.query("SELECT pg_notify($1, $2)", [LIVE_CHANNEL, JSON.stringify(event)]);
}
