import { randomBytes } from "node:crypto";
import { z } from "zod";
import { audit } from "../audit/audit.ts";
import { hashToken } from "../auth/who.ts";
import type { ServerContext } from "../context.ts";
import { Forbidden, NotFound } from "../errors.ts";
import { newId } from "../ids.ts";
import { mayAs, RoleSchema } from "../roles.ts";
import type { ApiTokenItem, Role } from "../trpc/contract/people.ts";

export const TOKEN_PREFIX = "plb_";
export const CreateToken = z.object({ name: z.string().trim().min(1, "give it a name").max(120), role: RoleSchema });

export async function listTokens({ db, workspaceId }: ServerContext): Promise<ApiTokenItem[]> {
  const rows = await db.apiToken.findMany({ where: { workspaceId }, orderBy: [{ createdAt: "desc" }, { id: "asc" }] });
  return rows.map(({ id, name, role, hint, createdBy, createdAt, lastUsedAt }) => ({
    id,
    name,
    role: RoleSchema.parse(role),
    hint,
    createdBy,
    createdAt: createdAt.toISOString(),
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
  }));
}

/**
 * Makes an API token. Only its hash is stored, so `token` is shown this once.
 *
 * @throws Forbidden for a role above one's own
 */
export async function createToken(
  ctx: ServerContext,
  { name, role }: { name: string; role: Role },
): Promise<{ id: string; token: string }> {
  const { db, workspaceId, actor } = ctx;
  if (!mayAs(actor.role, role))
    throw new Forbidden(role, actor.role, `A token may have up to your own role, ${actor.role}; not ${role}.`);
  const token = `${TOKEN_PREFIX}${randomBytes(32).toString("base64url")}`;
  const id = newId("tok");
  const hint = token.slice(0, TOKEN_PREFIX.length + 4);
  await db.$transaction(async (tx) => {
    await tx.apiToken.create({
      data: { id, workspaceId, name, role, hint, tokenHash: hashToken(token), createdBy: actor.name },
    });
    await audit(tx, ctx, "token.create", id, { name, role });
  });
  return { id, token };
}

/** The token stops working at once. @throws NotFound; Forbidden for a token above one's own role */
export async function removeToken(ctx: ServerContext, { id }: { id: string }): Promise<{ ok: true }> {
  const { db, workspaceId, actor } = ctx;
  const row = await db.apiToken.findFirst({ where: { id, workspaceId } });
  if (!row) throw new NotFound("API token", id);
  const role = RoleSchema.parse(row.role);
  if (!mayAs(actor.role, role)) throw new Forbidden(role, actor.role);
  await db.$transaction(async (tx) => {
    await tx.apiToken.deleteMany({ where: { id, workspaceId } });
    await audit(tx, ctx, "token.delete", id, { name: row.name, role });
  });
  return { ok: true };
}
