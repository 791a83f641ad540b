import type { ServerContext } from "../context.ts";
import type { Tx } from "../db/prisma.ts";
import { stepsOf } from "../flows/read-document.ts";

/** Notes which topic starts the flow now; call it where its live version changes. A removed flow (null) listens to none. */
export async function listenToTopic(
  tx: Tx,
  { workspaceId }: Pick<ServerContext, "workspaceId">,
  flowId: string,
  document: unknown,
): Promise<void> {
  const step = stepsOf(document).find(({ kind }) => kind === "event") as
    | { topic?: unknown; types?: string[]; attributes?: string }
    | undefined;
  await tx.$executeRaw`DELETE FROM topic_flow WHERE flow_id = ${flowId}`;
  if (typeof step?.topic !== "string" || step.topic === "") return;
  const { topic, types = null, attributes = null } = step;
  await tx.$executeRaw`INSERT INTO topic_flow (flow_id, workspace_id, topic, types, attributes)
    VALUES (${flowId}, ${workspaceId}, ${topic}, ${types}::text[], ${attributes})`;
}
