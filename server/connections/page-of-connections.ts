import type { ServerContext } from "../context.ts";
import { pageOfWhole } from "../paging.ts";
import type { ConnectionSummary } from "../trpc/contract/connections.ts";
import { listConnections } from "./read-connections.ts";

/** A page of the connections, by name. */
export async function pageOfConnections(
  ctx: ServerContext,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<{ items: ConnectionSummary[]; next: string | null }> {
  return pageOfWhole(await listConnections(ctx), { limit, cursor }, ({ name, id }) => [name, id]);
}
