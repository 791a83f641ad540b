import type { ServerContext } from "../context.ts";
import { Prisma } from "../db/generated/client.ts";
import type { Tx } from "../db/prisma.ts";
import { NotFound } from "../errors.ts";

export type LockedFlow = { id: string; name: string; hookKey: string; liveVersion: number | null; paused: boolean };

/**
 * Reads a flow and holds it for the transaction: `share` while a run is started from it, `update` before it is changed,
 * so that no run slips in between a stop and the runs it stops.
 *
 * @throws NotFound no such flow in the workspace, or it was removed
 */
export async function lockFlow(
  tx: Tx,
  { workspaceId }: ServerContext,
  flowId: string,
  strength: "share" | "update",
): Promise<LockedFlow> {
  const [flow] = await tx.$queryRaw<LockedFlow[]>`
    SELECT id, name, hook_key AS "hookKey", live_version AS "liveVersion", paused FROM flow
    WHERE id = ${flowId} AND workspace_id = ${workspaceId} AND deleted_at IS NULL
    ${strength === "share" ? Prisma.sql`FOR SHARE` : Prisma.sql`FOR UPDATE`}`;
  if (flow === undefined) throw new NotFound("flow", flowId);
  return flow;
}
