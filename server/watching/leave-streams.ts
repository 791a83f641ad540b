/**
 * Takes recorders out of systems when nobody here follows them any more: a flow was removed or follows something else now, or
 * the connection goes. Best effort: what could not be taken out stops recording by itself after a week.
 */
import type { ConnectorSession } from "../../connectors/sdk/types.ts";
import { audit } from "../audit/audit.ts";
import { discover } from "../connections/discover.ts";
import { within } from "../connections/limit.ts";
import { borrow } from "../connections/session-pool.ts";
import type { ServerContext } from "../context.ts";
import type { Connection } from "../db/generated/client.ts";
import { notify } from "../live/notify.ts";
import { log } from "../log.ts";
import type { LeftRecorder } from "../trpc/contract/connections.ts";

/** A person waits for the answer. */
const LIMIT_MS = 8_000;

/** What a flow followed before. */
export type Followed = { connection: string; stream: string };

/**
 * Call it after the transaction in which the flow stopped following.
 *
 * @returns what is still there, with what to do by hand; nothing for streams others follow
 */
export async function leaveStream(
  ctx: ServerContext,
  flowId: string,
  before: Followed | null,
): Promise<LeftRecorder[]> {
  if (!before) return [];
  const { db, workspaceId } = ctx;
  const { connection: name, stream } = before;
  if ((await db.flowWatch.count({ where: { workspaceId, connection: name, stream } })) > 0) return [];
  const row = await db.connection.findFirst({ where: { workspaceId, name } });
  return row ? await takeOut(ctx, row, stream, [flowId]) : [];
}

/** Takes out what was installed by way of a connection that has just been removed. */
export async function leaveConnection(ctx: ServerContext, row: Connection): Promise<LeftRecorder[]> {
  const installed = await ctx.db.audit.findMany({
    where: {
      workspaceId: ctx.workspaceId,
      subject: row.id,
      action: { in: ["connection.watch", "connection.unwatch"] },
    },
    orderBy: { at: "asc" },
    select: { action: true, detail: true },
  });
  const streams = new Set<string>();
  for (const { action, detail } of installed) {
    const stream = String((detail as { stream?: unknown } | null)?.stream ?? "");
    if (action === "connection.watch") streams.add(stream);
    else streams.delete(stream);
  }
  const left: LeftRecorder[] = [];
  for (const stream of streams) left.push(...(await takeOut(ctx, row, stream, [])));
  return left;
}

async function takeOut(
  ctx: ServerContext,
  row: Connection,
  stream: string,
  readers: string[],
): Promise<LeftRecorder[]> {
  let script = "";
  let session: Awaited<ReturnType<typeof borrow>> | undefined;
  try {
    return await within(row.name, LIMIT_MS, async (signal) => {
      session = await borrow(row);
      const { watching }: Pick<ConnectorSession, "watching"> = session.session;
      if (!watching) return [];
      script = watching.removal(stream);
      if (!(await watching.remove(stream, signal, { owner: row.id, readers }))) return [];
      await audit(ctx.db, ctx, "connection.unwatch", row.id, { name: row.name, stream, because: "nobody follows it" });
      await notify(ctx.db, ctx.workspaceId, { type: "connection", connectionId: row.id });
      await discover(row, { refresh: true }).catch(() => {}); // what the connection's page shows; it asks again by itself
      return [];
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    log.warn({ connection: row.id, stream }, `The recorder could not be taken out: ${message}`);
    return [{ connection: row.name, stream, message, script }];
  } finally {
    session?.release();
  }
}
