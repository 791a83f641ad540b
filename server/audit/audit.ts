import type { ServerContext } from "../context.ts";
import type { Prisma } from "../db/generated/client.ts";
import type { Db, Tx } from "../db/prisma.ts";

/**
 * Notes a change a person (or token) made, in the transaction that makes it.
 *
 * @param action noun.verb: "flow.publish", "run.undo", "connection.delete"
 * @param subject id of what was acted on
 * @param detail before / after, without secrets
 */
export async function audit(
  tx: Tx | Db,
  { workspaceId, actor }: Pick<ServerContext, "workspaceId" | "actor">,
  action: `${string}.${string}`,
  subject: string | null = null,
  detail: { [name: string]: unknown } = {},
): Promise<void> {
  await tx.audit.create({
    data: { workspaceId, actor: actor.name, action, subject, detail: detail as Prisma.InputJsonObject },
  });
}
