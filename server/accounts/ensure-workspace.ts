import { audit } from "../audit/audit.ts";
import { systemContext } from "../context.ts";
import type { Database, Tx } from "../db/prisma.ts";
import { newId } from "../ids.ts";
import { sampleIsPossible } from "../sample/sample-state.ts";
import { afterWorkspaceCreated } from "./after-workspace-created.ts";

/** What a workspace is called until somebody names it. */
const firstName = () => (sampleIsPossible().possible ? "Sample company" : "My company");

/** Held while the first workspace or account is made: of two first visitors at once, one wins. */
export async function lockAccounts(tx: Tx): Promise<void> {
  await tx.$executeRaw`select pg_advisory_xact_lock(hashtextextended('plumbline accounts', 0))`;
}

/** The workspace of this installation, made when there is none yet. Call it in a transaction that holds `lockAccounts`. */
export async function ensureWorkspaceIn(
  tx: Tx,
  base: Pick<Database, "db" | "pool">,
  name = firstName(),
): Promise<string> {
  const known = await tx.workspace.findFirst({ orderBy: { createdAt: "asc" }, select: { id: true } });
  if (known) return known.id;
  const id = newId("ws");
  await tx.workspace.create({ data: { id, name } });
  await audit(tx, systemContext(base, id), "workspace.create", id, { name });
  await afterWorkspaceCreated(tx, id);
  return id;
}

/** The id of this installation's workspace; the first call of all makes it, with its sample company. */
export async function ensureWorkspace(base: Pick<Database, "db" | "pool">): Promise<string> {
  const known = await base.db.workspace.findFirst({ orderBy: { createdAt: "asc" }, select: { id: true } });
  if (known) return known.id;
  return base.db.$transaction(async (tx) => {
    await lockAccounts(tx);
    return ensureWorkspaceIn(tx, base);
  });
}
