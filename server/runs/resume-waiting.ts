import type { Tx } from "../db/prisma.ts";
import { enqueueRun } from "../jobs/enqueue.ts";

/**
 * Lets runs go on that wait for this connection (its credentials, or until it answers again). Called when a check of the
 * connection succeeds or a person mends it.
 *
 * @returns how many runs go on
 */
export async function resumeWaitingFor(tx: Tx, workspaceId: string, connectionName: string): Promise<number> {
  const rows = await tx.$queryRaw<{ id: bigint }[]>`
    UPDATE run r SET state = 'queued', wait_reason = NULL, resume_at = NULL
    WHERE r.workspace_id = ${workspaceId} AND r.state = 'waiting' AND r.wait_reason IN ('credentials', 'retry', 'target')
      AND EXISTS (SELECT FROM flow_version v, jsonb_array_elements(v.document->'steps') AS s
        WHERE v.flow_id = r.flow_id AND v.version = r.version AND s->>'connection' = ${connectionName})
    RETURNING r.id`;
  for (const { id } of rows) await enqueueRun(tx, id.toString());
  return rows.length;
}
