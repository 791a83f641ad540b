import { z } from "zod";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";

export const RenameWorkspace = z.object({ name: z.string().trim().min(1, "give it a name").max(120) });

export async function getWorkspace({ db, workspaceId }: ServerContext) {
  const { id, name, createdAt } = await db.workspace.findUniqueOrThrow({ where: { id: workspaceId } });
  return { id, name, createdAt: createdAt.toISOString() };
}

export async function renameWorkspace(ctx: ServerContext, { name }: { name: string }): Promise<{ ok: true }> {
  const { db, workspaceId } = ctx;
  await db.$transaction(async (tx) => {
    const before = await tx.workspace.findUniqueOrThrow({ where: { id: workspaceId } });
    await tx.workspace.update({ where: { id: workspaceId }, data: { name } });
    await audit(tx, ctx, "workspace.rename", workspaceId, { before: before.name, after: name });
  });
  return { ok: true };
}
