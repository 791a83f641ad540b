import { LIVE_CHANNEL } from "../db/listen.ts";
import type { Db, Tx } from "../db/prisma.ts";
import type { LiveEvent } from "../trpc/contract/home.ts";

/**
 * Tells every open screen of a workspace that something changed, once the transaction commits. The event is small (ids
 * and counters; PostgreSQL takes at most 8,000 bytes); the screen reads what it needs.
 */
export async function notify(tx: Tx | Db, workspaceId: string, event: LiveEvent): Promise<void> {
  const payload = JSON.stringify({ ws: workspaceId, ...event });
  await tx.$executeRaw`select pg_notify(${LIVE_CHANNEL}, ${payload})`;
}
