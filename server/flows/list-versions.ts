import type { ServerContext } from "../context.ts";
import { NotFound } from "../errors.ts";
import type { VersionSummary } from "../trpc/contract/flows.ts";
import { changesBetween } from "./changes-between.ts";

/**
 * Published versions, newest first, each with what it changed.
 *
 * @throws NotFound no such flow
 */
export async function listVersions({ db, workspaceId }: ServerContext, flowId: string): Promise<VersionSummary[]> {
  const flow = await db.flow.findFirst({
    where: { id: flowId, workspaceId, deletedAt: null },
    select: { versions: { orderBy: { version: "desc" } } },
  });
  if (flow === null) throw new NotFound("flow", flowId);
  return flow.versions.map(({ version, note, publishedAt, publishedBy, document }, index) => ({
    version,
    note,
    publishedAt: publishedAt.toISOString(),
    publishedBy,
    changes: changesBetween(flow.versions[index + 1]?.document, document),
  }));
}
