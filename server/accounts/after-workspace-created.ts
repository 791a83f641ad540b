import type { Tx } from "../db/prisma.ts";
import { enqueue } from "../jobs/enqueue.ts";

/**
 * What happens once to every new workspace: a worker fills it with the sample company (its two databases, its drop folder
 * and the connections to them). In the transaction that makes the workspace: no commit, no job.
 */
export async function afterWorkspaceCreated(tx: Tx, workspaceId: string): Promise<void> {
  await enqueue(tx, "create-sample-company", { workspaceId }, { jobKey: `create-sample-company:${workspaceId}` });
}
