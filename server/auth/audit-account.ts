/** What a person changes about their own account through better-auth, noted in the audit log. */
import { createAuthMiddleware, isAPIError } from "better-auth/api";
import { audit } from "../audit/audit.ts";
import type { Database } from "../db/prisma.ts";
import { isRole } from "../roles.ts";

/** Address below /api/auth → action. Signing in and out change nothing and are not noted. */
const actions: { [path: string]: `person.${string}` } = {
  "/change-password": "person.password",
  "/revoke-other-sessions": "person.sessions",
};

/** Runs after every answer of better-auth; a refused change leaves no entry. Neither password is ever part of one. */
export function auditAccount({ db }: Pick<Database, "db">) {
  return createAuthMiddleware(async ({ path, body, context }) => {
    const action = actions[path ?? ""];
    const person = (context.newSession ?? context.session)?.user;
    if (!action || !person || isAPIError(context.returned)) return;
    const memberships = await db.membership.findMany({ where: { userId: person.id } });
    for (const { workspaceId, role } of memberships) {
      if (!isRole(role)) continue;
      const actor = { id: person.id, name: person.email, role, kind: "person" } as const;
      const others = action === "person.password" && (body as { revokeOtherSessions?: unknown }).revokeOtherSessions;
      await audit(db, { workspaceId, actor }, action, person.id, others === true ? { others: "signed out" } : {});
    }
  });
}
