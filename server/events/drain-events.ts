/** Works on the events of all flows, in this process: woken by notifications, with a look around every second. */
import { subscribe } from "../db/listen.ts";
import { databaseUrlOf } from "../db/prisma.ts";
import { EVENTS_CHANNEL } from "../intake/inbox.ts";
import { log } from "../log.ts";
import { type DrainServices, FlowDrain } from "./drain-flow.ts";
import { flowsToDrain } from "./event-lease.ts";

const POLL_MS = 1_000;

/** @returns ends it: what is under way is finished or left to be recovered, and leases are given back */
export async function drainEvents(services: DrainServices): Promise<{ stop(): Promise<void> }> {
  const { pool, workerId, signal } = services;
  const drains = new Map<string, FlowDrain>();
  const wake = (flowId: string) => {
    if (signal.aborted) return;
    let drain = drains.get(flowId);
    if (!drain) {
      drain = new FlowDrain(services, flowId);
      drains.set(flowId, drain);
    }
    drain.wake();
  };
  let looking = false;
  const look = async () => {
    if (looking || signal.aborted) return;
    looking = true;
    try {
      for (const flowId of await flowsToDrain(pool, workerId)) wake(flowId);
    } catch (error) {
      log.warn({ err: error }, `Looking for events failed; next try in ${POLL_MS} ms`);
    } finally {
      looking = false;
    }
  };
  // what came while nobody listened is looked for
  const end = await subscribe(EVENTS_CHANNEL, wake, { url: databaseUrlOf(services.db), onGap: () => void look() });
  const timer = setInterval(() => void look(), POLL_MS);
  void look();
  return {
    async stop() {
      clearInterval(timer);
      end();
      await Promise.allSettled([...drains.values()].map((drain) => drain.stop()));
    },
  };
}
