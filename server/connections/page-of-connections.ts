import type { ServerContext } from "../context.ts";
import { pageOf } from "../paging.ts";
import type { ConnectionSummary } from "../trpc/contract.ts";
import { listConnections } from "./read-connections.ts";

/** A page of the connections, by name. */
export async function pageOfConnections(
  ctx: ServerContext,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<{ items: ConnectionSummary[]; next: string | null }> {
  const all = await listConnections(ctx);
  const from = cursor === undefined ? 0 : all.findIndex(({ id }) => id === cursor) + 1;
  return pageOf(all.slice(from, from + limit + 1), limit, ({ id }) => id);
}
