/** Live updates for the screens: what workers and use cases NOTIFY, filtered by workspace, as one stream per tab. */
import { tracked } from "@trpc/server";
import { z } from "zod";
import { LIVE_CHANNEL, subscribe } from "../db/listen.ts";
import type { Db } from "../db/prisma.ts";
import { databaseUrlOf } from "../db/prisma.ts";
import type { LiveEvent } from "../trpc/contract/home.ts";
import { viewerProcedure } from "../trpc/init.ts";
import { recentRunEvents } from "./recent-run-events.ts";

/** Events that wait for a slow browser. A later one of the same thing replaces the earlier, so it never grows far. */
class Mailbox {
  readonly #waiting = new Map<string, LiveEvent>();
  #wake: () => void = () => {};

  put(event: LiveEvent): void {
    const about = event.type === "run" ? `run ${event.runId}` : JSON.stringify(event);
    this.#waiting.delete(about);
    this.#waiting.set(about, event);
    this.#wake();
  }

  /** Everything that waits, once there is something or `signal` is aborted. */
  async take(signal: AbortSignal): Promise<LiveEvent[]> {
    while (this.#waiting.size === 0 && !signal.aborted) {
      await new Promise<void>((wake) => {
        this.#wake = wake;
        signal.addEventListener("abort", () => wake(), { once: true });
      });
    }
    const events = [...this.#waiting.values()];
    this.#waiting.clear();
    return events;
  }
}

type Follow = { db: Db; workspaceId: string; signal: AbortSignal; resumed: boolean };

/**
 * The events of a workspace from now on, until `signal` is aborted. After a gap (`resumed`, or the database connection
 * was lost) it starts with the state of the runs that may have changed meanwhile.
 */
export async function* followEvents({ db, workspaceId, signal, resumed }: Follow): AsyncGenerator<LiveEvent> {
  const mailbox = new Mailbox();
  const catchUp = async () => {
    for (const event of await recentRunEvents(db, workspaceId)) mailbox.put(event);
    mailbox.put({ type: "letters", flowId: null });
  };
  const end = await subscribe(
    LIVE_CHANNEL,
    (payload) => {
      const event = readEvent(payload, workspaceId);
      if (event) mailbox.put(event);
    },
    { onGap: () => void catchUp().catch(() => {}), url: databaseUrlOf(db) },
  );
  try {
    if (resumed) await catchUp();
    while (!signal.aborted) yield* await mailbox.take(signal);
  } finally {
    end();
  }
}

function readEvent(payload: string, workspaceId: string): LiveEvent | undefined {
  if (!payload.includes(workspaceId)) return undefined; // most notifications of a big installation are for others
  try {
    const { ws, ...event } = JSON.parse(payload) as LiveEvent & { ws: string };
    return ws === workspaceId ? (event as LiveEvent) : undefined;
  } catch {
    return undefined;
  }
}

let count = 0;
const nextId = () => `${Date.now().toString(36)}-${(count++).toString(36)}`;

/** `runs.live`: the subscription itself. `lastEventId` is sent by the client when it comes back. */
export const liveProcedure = viewerProcedure
  .input(z.object({ lastEventId: z.string().nullish() }).optional())
  .subscription(async function* ({ ctx, input, signal = new AbortController().signal }) {
    const { db, workspaceId } = ctx;
    const resumed = Boolean(input?.lastEventId);
    for await (const event of followEvents({ db, workspaceId, signal, resumed })) yield tracked(nextId(), event);
  });
