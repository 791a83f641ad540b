import { durationMs } from "../../engine/flow/duration.ts";
import { readDraft } from "../../engine/flow/read-draft.ts";
import { LOOK_EVERY } from "../../engine/steps/read/changes.ts";
import type { ServerContext } from "../context.ts";
import type { Tx } from "../db/prisma.ts";
import type { Followed } from "./leave-streams.ts";

/**
 * Notes which stream the flow follows now; call it where its live version changes. A removed flow (null) follows none.
 *
 * @returns what it followed before and does not any more, for `leaveStream`
 */
export async function watchStream(
  tx: Tx,
  { workspaceId }: Pick<ServerContext, "workspaceId">,
  flowId: string,
  document: unknown,
): Promise<Followed | null> {
  const step = readDraft(document).flow.steps.find(({ kind }) => kind === "read");
  const before = await tx.flowWatch.findUnique({ where: { flowId }, select: { connection: true, stream: true } });
  await tx.flowWatch.deleteMany({ where: { flowId } });
  if (step?.kind !== "read" || step.sync !== "changes") return before;
  const { id: stepId, connection, stream, every = LOOK_EVERY } = step;
  await tx.flowWatch.create({ data: { flowId, workspaceId, stepId, connection, stream, everyMs: durationMs(every) } });
  return before?.connection === connection && before.stream === stream ? null : before;
}
