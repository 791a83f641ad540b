import { audit } from "../audit/audit.ts";
import { createUser, Email, hash, Password } from "../auth/password.ts";
import { systemContext } from "../context.ts";
import type { Database } from "../db/prisma.ts";
import { log } from "../log.ts";
import { ensureWorkspace, ensureWorkspaceIn, lockAccounts } from "./ensure-workspace.ts";

/**
 * At start: makes the owner named by PLUMBLINE_OWNER_EMAIL and PLUMBLINE_OWNER_PASSWORD unless an account with that e-mail
 * exists (then nothing of it is touched), and the workspace when PLUMBLINE_API_TOKEN is to work before any account.
 *
 * @throws when only one of the two is set, or they do not fit the rules for accounts
 */
export async function accountsFromEnvironment(
  base: Pick<Database, "db" | "pool">,
  env: { [name: string]: string | undefined } = process.env,
): Promise<void> {
  if (env.PLUMBLINE_API_TOKEN) {
    if (env.PLUMBLINE_API_TOKEN.length < 16)
      log.warn("PLUMBLINE_API_TOKEN is short and could be guessed; use 32 random characters or more");
    await ensureWorkspace(base);
  }
  const { PLUMBLINE_OWNER_EMAIL: email, PLUMBLINE_OWNER_PASSWORD: password } = env;
  if (!email && !password) return;
  if (!email || !password)
    throw new Error("Set both PLUMBLINE_OWNER_EMAIL and PLUMBLINE_OWNER_PASSWORD, or neither; only one is set.");
  await ensureOwner(
    base,
    check("PLUMBLINE_OWNER_EMAIL", Email, email),
    check("PLUMBLINE_OWNER_PASSWORD", Password, password),
  );
}

function check(name: string, schema: typeof Email | typeof Password, value: string): string {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Error(`${name} cannot be used: ${result.error.issues[0]?.message}.`);
}

async function ensureOwner(base: Pick<Database, "db" | "pool">, email: string, password: string): Promise<void> {
  if (await base.db.user.findUnique({ where: { email }, select: { id: true } })) return;
  const passwordHash = await hash(password);
  await base.db.$transaction(async (tx) => {
    await lockAccounts(tx);
    if (await tx.user.findUnique({ where: { email }, select: { id: true } })) return;
    const workspaceId = await ensureWorkspaceIn(tx, base);
    const userId = await createUser(tx, { name: email.split("@")[0] ?? email, email, passwordHash });
    await tx.membership.create({ data: { workspaceId, userId, role: "owner" } });
    const by = "PLUMBLINE_OWNER_EMAIL";
    await audit(tx, systemContext(base, workspaceId), "person.join", userId, { email, role: "owner", by });
  });
  log.info(`Made the owner account ${email} from PLUMBLINE_OWNER_EMAIL`);
}
