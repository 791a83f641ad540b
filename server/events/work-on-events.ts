/** Works on one batch of a flow's events: what the engine needs for it, with PostgreSQL behind it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Plan } from "../../engine/flow/compile.ts";
import {
  type EventStore,
  type EventsFlow,
  type EventsMemory,
  type Worked,
  workOnBatch,
} from "../../engine/run/event-batch.ts";
import type { Database } from "../db/prisma.ts";
import { blockedKeys } from "../db/run-store/parked.ts";
import { logUnexpected } from "../log.ts";
import { noticeSilence } from "../processes/presence.ts";
import { isOutage } from "../runs/outage.ts";
import type { RunConnections } from "../runs/run-connections.ts";
import type { Claim } from "./claim-events.ts";
import type { EventLease } from "./event-lease.ts";
import { enterEventLedger, eventRecovery } from "./event-ledger.ts";
import { type Batch, settleEvents, settleUnprocessed } from "./settle-events.ts";
import { storeEventsWait, storeHalf } from "./wait-events.ts";

export type EventsSite = EventsMemory & {
  base: Pick<Database, "db" | "pool">;
  lease: EventLease;
  connections: RunConnections;
  signal: AbortSignal;
};

/** The live version, and how its events come in. */
export type LiveFlow = EventsFlow & { kind: "webhook" | "event" };

/** @throws as `workOnBatch` does */
export async function workOnEvents(site: EventsSite, claim: Claim, flow: LiveFlow): Promise<Worked> {
  const { lease, connections, signal } = site;
  const { flowId } = lease;
  const { events, failures, failingSince, waited } = claim;
  const batch: Batch = {
    lease,
    cancels: claim.cancels,
    version: claim.version ?? 0,
    events,
    startedAt: new Date(),
    trigger: flow.kind,
    answers: false,
  };
  const plan = async (): Promise<Plan> => {
    const planned = await flow.plan();
    const { step } = planned.trigger;
    batch.answers = step.kind === "webhook" && step.wait === true;
    return planned;
  };
  const now = new Date(events.at(-1)?.receivedAt ?? Date.now());
  return await workOnBatch(
    { flowId, events, now, failures, failingSince, waited },
    { trigger: flow.trigger, stop: flow.stop, plan },
    site,
    {
      store: eventStore(site, batch),
      connection: connections.connection,
      connectionById: connections.connectionById,
      isDown: connections.isDown,
      clock: () => new Date(),
      sleep: (ms, abort) => sleep(ms, undefined, { signal: abort }),
      isOutage,
      report: (error) => logUnexpected(error, { flow: flowId }),
      random: Math.random,
      signal,
    },
  );
}

function eventStore({ base, lease }: EventsSite, batch: Batch): EventStore {
  const { pool } = base;
  return {
    ...eventRecovery(pool, lease),
    async enter(address, drafts, runs, receipt) {
      await enterEventLedger(pool, batch, address, { drafts, runs, receipt });
      noticeSilence(); // what was entered is sent next
    },
    blocked: (keys, orParked) => blockedKeys(pool, lease.flowId, keys, orParked),
    seen: (step, _scope, keys) => seenForever(pool, lease.flowId, step, keys),
    settle: (settlement, stop) => settleEvents(pool, batch, settlement, stop),
    settleUnprocessed: (why, stop) => settleUnprocessed(pool, batch, why, stop),
    keepHalf: (half) => storeHalf(pool, batch, half),
    wait: (wait) => storeEventsWait(pool, batch, wait),
  };
}

async function seenForever(pool: EventsSite["base"]["pool"], flowId: string, step: string, keys: string[]) {
  const { rows } = await pool.query<{ key: string }>(
    "SELECT key FROM seen_key WHERE scope = $1 AND step_id = $2 AND key = ANY($3)",
    [flowId, step, keys],
  );
  return new Set(rows.map(({ key }) => key));
}
