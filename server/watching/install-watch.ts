/** A person lets a stream be watched, or takes the recorder off again. */

import type { StreamWatch, Watching, WatchPlan } from "../../connectors/sdk/changes.ts";
import { IntegrationError } from "../../connectors/sdk/errors.ts";
import type { ConnectorSession } from "../../connectors/sdk/types.ts";
import { audit } from "../audit/audit.ts";
import { discover } from "../connections/discover.ts";
import { within } from "../connections/limit.ts";
import { withSession } from "../connections/open-connection.ts";
import { findConnection } from "../connections/stored-connection.ts";
import type { ServerContext } from "../context.ts";
import type { Connection } from "../db/generated/client.ts";
import { Conflict, NotFound } from "../errors.ts";
import { notify } from "../live/notify.ts";

export type WatchedStream = { id: string; stream: string };
export type WatchDetail = {
  watch: StreamWatch;
  /** what installing would make; null where it cannot be watched */
  plan: WatchPlan | null;
  /** published flows that follow it */
  flows: { id: string; name: string }[];
};

/** Installing waits for transactions on the table, for 10 s at most; the rest takes moments. */
const LIMIT_MS = 30_000;

/**
 * Whether a stream is watched, what that would take, and who follows it. Changes nothing.
 *
 * @throws NotFound no such connection or stream; IntegrationError the system cannot be asked
 */
export async function getWatch(ctx: ServerContext, { id, stream }: WatchedStream): Promise<WatchDetail> {
  const row = await findConnection(ctx, id);
  const { streams } = await discover(row, { refresh: true });
  const found = streams.find(({ name }) => name === stream);
  if (!found) throw new NotFound("stream", stream);
  const watch = found.watch ?? {
    state: "impossible" as const,
    note: `“${row.name}” cannot be followed as it changes.`,
  };
  const plan =
    watch.state === "impossible" ? null : await asked(ctx, row, (watching, signal) => watching.plan(stream, signal));
  return { watch, plan, flows: await followersOf(ctx, row, stream) };
}

/**
 * Installs what records the changes of a stream, in the system itself; what is installed already is replaced.
 *
 * @throws IntegrationError `watch-refused`: the connection's user may not; `not-watchable`; `lock-timeout`
 */
export async function installWatch(ctx: ServerContext, { id, stream }: WatchedStream): Promise<{ watch: StreamWatch }> {
  const row = await findConnection(ctx, id);
  await asked(ctx, row, (watching, signal) => watching.install(stream, signal));
  await told(ctx, row, "connection.watch", stream);
  const { streams } = await discover(row, { refresh: true });
  return { watch: streams.find(({ name }) => name === stream)?.watch ?? { state: "on" } };
}

/**
 * Removes all of it from the system.
 *
 * @throws Conflict `watch-in-use`: published flows follow the stream
 */
export async function removeWatch(ctx: ServerContext, { id, stream }: WatchedStream): Promise<{ ok: true }> {
  const row = await findConnection(ctx, id);
  const flows = await followersOf(ctx, row, stream);
  if (flows.length > 0) {
    const names = flows.slice(0, 5).map(({ name }) => `“${name}”`);
    const others = flows.length > 5 ? ` and ${flows.length - 5} more` : "";
    throw new Conflict(
      "watch-in-use",
      `The recorder of ${stream} cannot be removed while flows follow its changes: ${names.join(", ")}${others}. Let them read another way, or remove them first.`,
      { flows },
    );
  }
  await asked(ctx, row, (watching, signal) => watching.remove(stream, signal));
  await told(ctx, row, "connection.unwatch", stream);
  await discover(row, { refresh: true });
  return { ok: true };
}

async function asked<T>(
  ctx: ServerContext,
  { id, name }: Connection,
  work: (watching: Watching, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return await withSession(ctx, id, ({ watching }: ConnectorSession) => {
    if (!watching)
      throw new IntegrationError(`“${name}” cannot be followed as it changes. Read it on a schedule.`, {
        kind: "settings",
        code: "not-watchable",
      });
    return within(name, LIMIT_MS, (signal) => work(watching, signal));
  });
}

/** Those who follow it look at once. */
async function told(
  ctx: ServerContext,
  { id, name }: Connection,
  action: `${string}.${string}`,
  stream: string,
): Promise<void> {
  await ctx.db.$transaction(async (tx) => {
    await audit(tx, ctx, action, id, { name, stream });
    await notify(tx, ctx.workspaceId, { type: "connection", connectionId: id });
  });
}

async function followersOf({ db, workspaceId }: ServerContext, { name }: Connection, stream: string) {
  const rows = await db.flowWatch.findMany({
    where: { workspaceId, connection: name, stream, flow: { deletedAt: null } },
    select: { flow: { select: { id: true, name: true } } },
    orderBy: { flow: { name: "asc" } },
  });
  return rows.map(({ flow }) => flow);
}
