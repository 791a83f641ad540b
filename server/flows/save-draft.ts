import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import type { Tx } from "../db/prisma.ts";
import { StaleDraft } from "../errors.ts";
import { notify } from "../live/notify.ts";
import type { Validation } from "../trpc/contract/flows.ts";
import { lockFlow } from "./lock-flow.ts";
import { nameOf, readDocument } from "./read-document.ts";
import { validateDocument } from "./validate-document.ts";

/**
 * Replaces the draft and says what must be mended before it is published.
 *
 * @param revision the revision this edit started from; absent: the last write wins
 * @throws NotFound no such flow
 * @throws StaleDraft someone saved in between
 * @throws Invalid the document is not an object
 */
export async function saveDraft(
  ctx: ServerContext,
  { flowId, document: input, revision }: { flowId: string; document: unknown; revision?: number },
): Promise<{ revision: number } & Validation> {
  const document = readDocument(input);
  const saved = await ctx.db.$transaction((tx) => replaceDraft(tx, ctx, { flowId, document, revision }));
  const { validation } = await validateDocument(ctx, document, flowId);
  return { revision: saved, ...validation };
}

/** The part of `saveDraft` that stores: compare-and-set on the revision. @returns the new revision */
export async function replaceDraft(
  tx: Tx,
  ctx: ServerContext,
  { flowId, document, revision }: { flowId: string; document: JsonRecord; revision?: number },
): Promise<number> {
  const { workspaceId, actor } = ctx;
  await lockFlow(tx, ctx, flowId, "update");
  const [draft] = await tx.draft.updateManyAndReturn({
    where: { flowId, workspaceId, ...(revision === undefined ? {} : { revision }) },
    data: { document, revision: { increment: 1 }, updatedBy: actor.name, updatedAt: new Date() },
    select: { revision: true },
  });
  if (draft === undefined) throw new StaleDraft(flowId, revision);
  await tx.flow.update({ where: { id: flowId }, data: { name: nameOf(document) } });
  await noteEdit(tx, ctx, flowId, draft.revision);
  await notify(tx, workspaceId, { type: "flow", flowId });
  return draft.revision;
}

/** The editor saves after every gesture; the audit log needs one line per sitting. */
async function noteEdit(tx: Tx, ctx: ServerContext, flowId: string, revision: number): Promise<void> {
  const sitting = new Date(Date.now() - 10 * 60_000);
  const { workspaceId, actor } = ctx;
  const last = await tx.audit.findFirst({
    where: { workspaceId, subject: flowId, at: { gt: sitting } },
    orderBy: { id: "desc" },
    select: { action: true, actor: true },
  });
  if (last?.action === "flow.edit" && last.actor === actor.name) return;
  await audit(tx, ctx, "flow.edit", flowId, { revision });
}
