import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import type { OwnAccount } from "../trpc/contract/people.ts";

/** A person's own account. Their password and their sessions are changed at /api/auth. */
export async function getOwnAccount({ db, actor }: ServerContext): Promise<OwnAccount> {
  const [user, sessions] = await Promise.all([
    db.user.findUniqueOrThrow({ where: { id: actor.id } }),
    db.session.count({ where: { userId: actor.id, expiresAt: { gt: new Date() } } }),
  ]);
  // one of the sessions is the one that asks
  return { name: user.name, email: user.email, otherDevices: Math.max(sessions - 1, 0) };
}

/** Changes how others see the person. */
export async function renameMyself(ctx: ServerContext, { name }: { name: string }): Promise<{ ok: true }> {
  const { db, actor } = ctx;
  await db.$transaction(async (tx) => {
    const before = await tx.user.findUniqueOrThrow({ where: { id: actor.id } });
    await tx.user.update({ where: { id: actor.id }, data: { name } });
    await audit(tx, ctx, "person.rename", actor.id, { before: before.name, after: name });
  });
  return { ok: true };
}
