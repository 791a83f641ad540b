import { z } from "zod";
import { audit } from "../audit/audit.ts";
import { createUser, Email, hash, Password, PersonName } from "../auth/password.ts";
import type { Database } from "../db/prisma.ts";
import { Conflict } from "../errors.ts";
import { ensureWorkspaceIn, lockAccounts } from "./ensure-workspace.ts";

export const FirstAccount = z.object({
  name: PersonName,
  email: Email,
  password: Password,
  company: z.string().trim().min(1).max(120).optional(),
});
export type FirstAccount = z.infer<typeof FirstAccount>;

/** Is there no account yet, so that the first visitor makes one? */
export async function needsFirstAccount({ db }: Pick<Database, "db">): Promise<boolean> {
  return (await db.user.count()) === 0;
}

/**
 * Makes the first account and makes it the owner of the workspace, which is made too unless a token came first.
 *
 * @throws Conflict "account-exists" when there is an account already; of two first visitors at once, one gets this
 */
export async function createFirstAccount(
  base: Pick<Database, "db" | "pool">,
  { name, email, password, company }: FirstAccount,
): Promise<{ userId: string; workspaceId: string }> {
  if (!(await needsFirstAccount(base))) throw accountExists();
  const passwordHash = await hash(password);
  return base.db.$transaction(async (tx) => {
    await lockAccounts(tx);
    if ((await tx.user.count()) > 0) throw accountExists();
    const workspaceId = await ensureWorkspaceIn(tx, base, company);
    if (company) await tx.workspace.update({ where: { id: workspaceId }, data: { name: company } });
    const userId = await createUser(tx, { name, email, passwordHash });
    await tx.membership.create({ data: { workspaceId, userId, role: "owner" } });
    const actor = { id: userId, name: email, role: "owner", kind: "person" } as const;
    await audit(tx, { workspaceId, actor }, "person.join", userId, { email, role: "owner", by: "first account" });
    return { userId, workspaceId };
  });
}

function accountExists(): Conflict {
  return new Conflict(
    "account-exists",
    "The first account was created already. Sign in, or ask an admin of the workspace for an invitation.",
  );
}
