import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { ServerContext } from "../context.ts";
import { NotFound } from "../errors.ts";
import { changesBetween } from "./changes-between.ts";

/**
 * The document of one published version, and what it changed from the version before.
 *
 * @throws NotFound no such flow or version
 */
export async function getVersion(
  { db, workspaceId }: ServerContext,
  { flowId, version }: { flowId: string; version: number },
): Promise<{ version: number; document: JsonRecord; changes: string[] }> {
  const known = await db.flow.count({ where: { id: flowId, workspaceId, deletedAt: null } });
  if (known === 0) throw new NotFound("flow", flowId);
  const found = await db.flowVersion.findMany({
    where: { flowId, workspaceId, version: { lte: version } },
    orderBy: { version: "desc" },
    take: 2,
  });
  const [wanted, before] = found;
  if (wanted?.version !== version) throw new NotFound("version", String(version));
  return {
    version,
    document: wanted.document as JsonRecord,
    changes: changesBetween(before?.document, wanted.document),
  };
}
