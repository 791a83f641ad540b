/** Who asks: a person by session cookie, a program by API token. */
import { createHash, timingSafeEqual } from "node:crypto";
import { ensureWorkspace } from "../accounts/ensure-workspace.ts";
import type { ServerContext } from "../context.ts";
import type { Database } from "../db/prisma.ts";
import { isRole } from "../roles.ts";
import { authFor } from "./auth.ts";

type Base = Pick<Database, "db" | "pool">;

/** The person whose session cookie is in `headers`; null when signed out or no longer in any workspace. */
export async function personBehind(base: Base, headers: Headers): Promise<ServerContext | null> {
  if (!headers.has("cookie")) return null;
  const session = await authFor(base).api.getSession({ headers });
  if (!session) return null;
  const membership = await base.db.membership.findFirst({
    where: { userId: session.user.id },
    orderBy: { createdAt: "asc" },
  });
  if (!membership || !isRole(membership.role)) return null;
  const { userId, workspaceId, role } = membership;
  const { db, pool } = base;
  return { db, pool, workspaceId, actor: { id: userId, name: session.user.email, role, kind: "person" } };
}

export const hashToken = (token: string) => createHash("sha256").update(token).digest("hex");

/** How stale `lastUsedAt` may get, so that a busy token does not write a row per request. */
const usedPrecisionMs = 60_000;

/** The holder of the bearer token in an Authorization header; null without one or with an unknown one. */
export async function tokenBehind(base: Base, authorization: string | undefined): Promise<ServerContext | null> {
  const token = /^bearer\s+(\S+)\s*$/i.exec(authorization ?? "")?.[1];
  if (!token) return null;
  const { db, pool } = base;
  if (isEnvironmentToken(token)) {
    const workspaceId = await ensureWorkspace(base);
    return {
      db,
      pool,
      workspaceId,
      actor: { id: "environment", name: "token PLUMBLINE_API_TOKEN", role: "owner", kind: "token" },
    };
  }
  const row = await db.apiToken.findUnique({ where: { tokenHash: hashToken(token) } });
  if (!row || !isRole(row.role)) return null;
  if (!row.lastUsedAt || Date.now() - row.lastUsedAt.getTime() > usedPrecisionMs)
    await db.apiToken.updateMany({ where: { id: row.id }, data: { lastUsedAt: new Date() } });
  return {
    db,
    pool,
    workspaceId: row.workspaceId,
    actor: { id: row.id, name: `token ${row.name}`, role: row.role, kind: "token" },
  };
}

function isEnvironmentToken(token: string): boolean {
  const ours = process.env.PLUMBLINE_API_TOKEN;
  if (!ours) return false;
  return timingSafeEqual(Buffer.from(hashToken(token)), Buffer.from(hashToken(ours)));
}
