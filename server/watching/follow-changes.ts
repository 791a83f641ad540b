/** Follows the changes of all connections whose streams live flows read as they change. */
import { isFinal, type RunState } from "../../engine/run/states.ts";
import type { Connection } from "../db/generated/client.ts";
import { LIVE_CHANNEL, subscribe } from "../db/listen.ts";
import { type Database, databaseUrlOf } from "../db/prisma.ts";
import { log } from "../log.ts";
import { ConnectionFollower } from "./connection-follower.ts";
import type { WatchedFlow } from "./flow-follower.ts";
import { giveWatchLease, takeWatchLeases } from "./watch-leases.ts";

const SWEEP_MS = 2_000;

export type FollowServices = Pick<Database, "db" | "pool"> & { workerId: string; signal: AbortSignal };

/** @returns ends it, and lets other processes follow what this one did */
export async function followChanges(services: FollowServices): Promise<{ stop(): Promise<void> }> {
  const { db, pool, workerId, signal } = services;
  const followers = new Map<string, ConnectionFollower>();
  const stop = async (id: string) => {
    const follower = followers.get(id);
    followers.delete(id);
    await follower?.stop();
  };

  async function sweep(): Promise<void> {
    const flows = await watchedFlows(services);
    const mine = await takeWatchLeases(pool, [...flows.keys()], workerId);
    for (const id of [...followers.keys()]) {
      if (mine.has(id)) continue;
      if (!flows.has(id)) followers.get(id)?.update([]); // nobody follows it any more: its recorders are told
      await stop(id);
      if (!flows.has(id)) await giveWatchLease(pool, id, workerId);
    }
    const rows = await db.connection.findMany({ where: { id: { in: [...mine] } } });
    for (const row of rows) {
      if (signal.aborted) return;
      if (!followers.get(row.id)?.isFor(row)) {
        await stop(row.id);
        followers.set(row.id, new ConnectionFollower({ db, pool }, row as Connection));
      }
      followers.get(row.id)?.update(flows.get(row.id) ?? []);
    }
  }

  let sweeping: Promise<void> | undefined;
  let again = false;
  const soon = () => {
    again = true;
    sweeping ??= (async () => {
      while (again && !signal.aborted) {
        again = false;
        await sweep().catch((error: unknown) => {
          if (!signal.aborted)
            log.warn({ err: error }, "Looking for flows that follow changes failed; it is tried again");
        });
      }
    })().finally(() => {
      sweeping = undefined;
    });
  };
  const hear = (payload: string) => {
    const event = readEvent(payload);
    if (event?.type === "flow" || event?.type === "connection") soon();
    if (event?.type === "connection" && event.connectionId) followers.get(event.connectionId)?.look();
    if (event?.type === "run" && event.flowId && event.state && isFinal(event.state))
      for (const follower of followers.values()) follower.runEnded(event.flowId);
  };
  const end = await subscribe(LIVE_CHANNEL, hear, { url: databaseUrlOf(db) });
  const timer = setInterval(soon, SWEEP_MS);
  soon();
  return {
    async stop() {
      clearInterval(timer);
      end();
      await sweeping;
      const held = [...followers.keys()];
      await Promise.allSettled(held.map(stop));
      await Promise.allSettled(held.map((id) => giveWatchLease(pool, id, workerId)));
    },
  };
}

/** Live flows that follow changes, by connection. Paused ones too: the recorder keeps what they have not read. */
async function watchedFlows({ pool }: FollowServices): Promise<Map<string, WatchedFlow[]>> {
  const { rows } = await pool.query<Omit<WatchedFlow, "everyMs"> & { everyMs: string; connectionId: string }>({
    name: "watched-flows",
    text: `SELECT w.flow_id AS "flowId", w.workspace_id AS "workspaceId", w.step_id AS "stepId", w.connection, w.stream,
        w.every_ms AS "everyMs", f.paused, f.live_version AS version, c.id AS "connectionId"
      FROM flow_watch w JOIN flow f ON f.id = w.flow_id JOIN connection c ON c.workspace_id = w.workspace_id AND c.name = w.connection
      WHERE f.deleted_at IS NULL AND f.live_version IS NOT NULL`,
  });
  const flows = new Map<string, WatchedFlow[]>();
  for (const { connectionId, everyMs, ...row } of rows)
    flows.set(connectionId, [...(flows.get(connectionId) ?? []), { ...row, everyMs: Number(everyMs) }]);
  return flows;
}

function readEvent(
  payload: string,
): { type?: string; flowId?: string; connectionId?: string; state?: RunState } | undefined {
  try {
    return JSON.parse(payload);
  } catch {
    return undefined; // not one of ours
  }
}
