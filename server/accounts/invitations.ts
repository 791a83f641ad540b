import { randomBytes } from "node:crypto";
import { z } from "zod";
import { audit } from "../audit/audit.ts";
import { createUser, Email, hash, Password, PersonName } from "../auth/password.ts";
import { hashToken } from "../auth/who.ts";
import type { ServerContext } from "../context.ts";
import type { Database } from "../db/prisma.ts";
import { Conflict, Forbidden, NotFound, UseCaseError } from "../errors.ts";
import { newId } from "../ids.ts";
import { mayAs, RoleSchema } from "../roles.ts";
import type { PendingInvitation, Role } from "../trpc/contract/people.ts";

const validForMs = 7 * 24 * 3600 * 1000;

export const InvitePerson = z.object({ email: Email, role: RoleSchema });
export const AcceptInvitation = z.object({ token: z.string().min(1), name: PersonName, password: Password });

/**
 * Makes an invitation for one e-mail address; an earlier one for it stops working.
 *
 * @returns `path` of the page that accepts it ("/invite/…"): shown once, works once, for 7 days
 * @throws Forbidden for a role above one's own; Conflict "already-member"
 */
export async function invitePerson(ctx: ServerContext, { email, role }: { email: string; role: Role }) {
  const { db, workspaceId, actor } = ctx;
  if (!mayAs(actor.role, role))
    throw new Forbidden(role, actor.role, `You may invite up to your own role, ${actor.role}; not ${role}.`);
  if (await db.user.findUnique({ where: { email }, select: { id: true } }))
    throw new Conflict("already-member", `${email} has an account here already.`, { email });
  const token = randomBytes(32).toString("base64url");
  const id = newId("inv");
  const expiresAt = new Date(Date.now() + validForMs);
  await db.$transaction(async (tx) => {
    await tx.invitation.deleteMany({ where: { workspaceId, email, acceptedAt: null } });
    await tx.invitation.create({
      data: { id, workspaceId, email, role, tokenHash: hashToken(token), invitedBy: actor.name, expiresAt },
    });
    await audit(tx, ctx, "person.invite", id, { email, role });
  });
  return { id, path: `/invite/${token}`, expiresAt: expiresAt.toISOString() };
}

export async function pendingInvitations({ db, workspaceId }: ServerContext): Promise<PendingInvitation[]> {
  const rows = await db.invitation.findMany({
    where: { workspaceId, acceptedAt: null, expiresAt: { gt: new Date() } },
    orderBy: { createdAt: "desc" },
  });
  return rows.map(({ id, email, role, expiresAt }) => ({
    id,
    email,
    role: RoleSchema.parse(role),
    expiresAt: expiresAt.toISOString(),
  }));
}

export async function removeInvitation(ctx: ServerContext, { id }: { id: string }): Promise<{ ok: true }> {
  const { db, workspaceId } = ctx;
  await db.$transaction(async (tx) => {
    const { count } = await tx.invitation.deleteMany({ where: { id, workspaceId, acceptedAt: null } });
    if (count === 0) throw new NotFound("invitation", id);
    await audit(tx, ctx, "person.uninvite", id);
  });
  return { ok: true };
}

function notValid(): UseCaseError {
  return new UseCaseError(
    "This invitation is not valid any more: it was used, withdrawn or is older than 7 days. Ask for a new one.",
    { status: 404, code: "invitation-not-valid" },
  );
}

async function openInvitation({ db }: Pick<Database, "db">, token: string) {
  const invitation = await db.invitation.findUnique({ where: { tokenHash: hashToken(token) } });
  if (!invitation || invitation.acceptedAt || invitation.expiresAt <= new Date()) throw notValid();
  return invitation;
}

/** Whom an invitation is for, for the page that accepts it. @throws UseCaseError "invitation-not-valid" */
export async function showInvitation(base: Pick<Database, "db">, { token }: { token: string }) {
  const { email, role, workspaceId, expiresAt } = await openInvitation(base, token);
  const workspace = await base.db.workspace.findUniqueOrThrow({ where: { id: workspaceId }, select: { name: true } });
  return { email, role: RoleSchema.parse(role), workspace: workspace.name, expiresAt: expiresAt.toISOString() };
}

/**
 * Makes the invited person's account with the invited role.
 *
 * @returns the e-mail address to sign in with
 * @throws UseCaseError "invitation-not-valid"; Conflict "already-member"
 */
export async function acceptInvitation(
  base: Pick<Database, "db">,
  { token, name, password }: z.infer<typeof AcceptInvitation>,
): Promise<{ email: string }> {
  const { id, email, role, workspaceId } = await openInvitation(base, token);
  const passwordHash = await hash(password);
  await base.db.$transaction(async (tx) => {
    const taken = await tx.invitation.updateMany({ where: { id, acceptedAt: null }, data: { acceptedAt: new Date() } });
    if (taken.count === 0) throw notValid(); // of two clicks at once, one wins
    if (await tx.user.findUnique({ where: { email }, select: { id: true } }))
      throw new Conflict("already-member", `${email} has an account here already. Sign in with it.`, { email });
    const userId = await createUser(tx, { name, email, passwordHash });
    await tx.membership.create({ data: { workspaceId, userId, role } });
    const actor = { id: userId, name: email, role: RoleSchema.parse(role), kind: "person" } as const;
    await audit(tx, { workspaceId, actor }, "person.join", userId, { email, role, by: "invitation" });
  });
  return { email };
}
