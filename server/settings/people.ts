import { z } from "zod";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import type { Tx } from "../db/prisma.ts";
import { Conflict, Forbidden, NotFound } from "../errors.ts";
import { mayAs, RoleSchema } from "../roles.ts";
import type { Person, Role } from "../trpc/contract/people.ts";

export const ChangeRole = z.object({ userId: z.string().min(1), role: RoleSchema });
export const RemovePerson = z.object({ userId: z.string().min(1) });

export async function listPeople({ db, workspaceId }: ServerContext): Promise<Person[]> {
  const rows = await db.membership.findMany({
    where: { workspaceId },
    include: { user: true },
    orderBy: [{ createdAt: "asc" }, { userId: "asc" }],
  });
  return rows.map(({ userId, role, createdAt, user }) => ({
    userId,
    name: user.name,
    email: user.email,
    role: RoleSchema.parse(role),
    since: createdAt.toISOString(),
  }));
}

/**
 * @throws NotFound; Forbidden when either the person's role or the new one is above one's own; Conflict "last-owner"
 */
export async function changeRole(
  ctx: ServerContext,
  { userId, role }: { userId: string; role: Role },
): Promise<{ ok: true }> {
  const { db, workspaceId, actor } = ctx;
  await db.$transaction(async (tx) => {
    const before = await memberToChange(tx, ctx, userId);
    if (!mayAs(actor.role, role))
      throw new Forbidden(role, actor.role, `You may give roles up to your own, ${actor.role}; not ${role}.`);
    if (before.role === "owner" && role !== "owner") await keepAnOwner(tx, workspaceId);
    await tx.membership.update({ where: { workspaceId_userId: { workspaceId, userId } }, data: { role } });
    await audit(tx, ctx, "person.role", userId, { email: before.email, before: before.role, after: role });
  });
  return { ok: true };
}

/**
 * Takes a person out of the workspace and signs them out everywhere. API tokens they made stay; they are listed with
 * their maker.
 *
 * @throws NotFound; Forbidden for a person above one's own role; Conflict "last-owner"
 */
export async function removePerson(ctx: ServerContext, { userId }: { userId: string }): Promise<{ ok: true }> {
  const { db, workspaceId } = ctx;
  await db.$transaction(async (tx) => {
    const before = await memberToChange(tx, ctx, userId);
    if (before.role === "owner") await keepAnOwner(tx, workspaceId);
    await tx.membership.delete({ where: { workspaceId_userId: { workspaceId, userId } } });
    await tx.session.deleteMany({ where: { userId } });
    // without a workspace the account is of no use, and its e-mail address may be invited again
    if ((await tx.membership.count({ where: { userId } })) === 0) await tx.user.delete({ where: { id: userId } });
    await audit(tx, ctx, "person.remove", userId, { email: before.email, role: before.role });
  });
  return { ok: true };
}

async function memberToChange(tx: Tx, { workspaceId, actor }: ServerContext, userId: string) {
  // one change of people at a time: two owners who demote each other at once must not leave none
  await tx.$executeRaw`select id from workspace where id = ${workspaceId} for update`;
  const row = await tx.membership.findUnique({
    where: { workspaceId_userId: { workspaceId, userId } },
    include: { user: { select: { email: true } } },
  });
  if (!row) throw new NotFound("person", userId);
  const role = RoleSchema.parse(row.role);
  if (!mayAs(actor.role, role))
    throw new Forbidden(role, actor.role, `Only an ${role} may change another ${role}; you are ${actor.role}.`);
  return { role, email: row.user.email };
}

async function keepAnOwner(tx: Tx, workspaceId: string): Promise<void> {
  if ((await tx.membership.count({ where: { workspaceId, role: "owner" } })) > 1) return;
  throw new Conflict(
    "last-owner",
    "A workspace needs an owner, and this is the last one. Make someone else owner first.",
  );
}
