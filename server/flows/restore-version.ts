import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import { NotFound } from "../errors.ts";
import { lockFlow } from "./lock-flow.ts";
import { replaceDraft } from "./save-draft.ts";

/**
 * Makes a published version the draft again. What runs does not change until it is published.
 *
 * @returns the draft's new revision
 * @throws NotFound no such flow or version
 */
export async function restoreVersion(
  ctx: ServerContext,
  { flowId, version }: { flowId: string; version: number },
): Promise<{ revision: number }> {
  return ctx.db.$transaction(async (tx) => {
    await lockFlow(tx, ctx, flowId, "update");
    const found = await tx.flowVersion.findUnique({
      where: { flowId_version: { flowId, version }, workspaceId: ctx.workspaceId },
      select: { document: true },
    });
    if (found === null) throw new NotFound("version", String(version));
    await audit(tx, ctx, "flow.restore", flowId, { version });
    const revision = await replaceDraft(tx, ctx, { flowId, document: found.document as JsonRecord });
    return { revision };
  });
}
