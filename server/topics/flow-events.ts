import type pg from "pg";
import type { PublishedEvent } from "../../engine/ports.ts";
import { publishEvents } from "./publish-events.ts";

/**
 * Hands on what steps of a flow published, in the transaction that ends their page or batch: no checkpoint, no event; and
 * an event goes out once, however often its page is worked on.
 */
export async function publishFromFlow(
  client: pg.ClientBase,
  { workspaceId, flowId }: { workspaceId: string; flowId: string },
  events: (PublishedEvent & { runId: string })[],
): Promise<void> {
  if (events.length === 0) return;
  const { rows } = await client.query<{ name: string }>("SELECT name FROM flow WHERE id = $1", [flowId]);
  const time = new Date().toISOString();
  const source = `/flows/${flowId}`;
  const made = events.map(({ topic, type, subject, data, id, runId }) => ({
    ...{ topic, type, data, source, time, runId },
    ...(subject === undefined ? {} : { subject }),
    // the flow is in the source already
    id: id.startsWith(`${flowId}/`) ? id.slice(flowId.length + 1) : id,
  }));
  await publishEvents(client, workspaceId, made, `flow ${rows[0]?.name ?? flowId}`);
}
