/** Works on one batch of a flow's events, and decides what a failure means for them. */
import { setTimeout as sleep } from "node:timers/promises";
import { type FailureInfo, failureOf, IntegrationError } from "../../connectors/sdk/errors.ts";
import type { Plan } from "../../engine/flow/compile.ts";
import { ConnectionFailed, LeaseLost } from "../../engine/ports.ts";
import { retryPolicy } from "../../engine/run/execute-flow.ts";
import { PageInterrupted, type PageWork } from "../../engine/run/page.ts";
import { type EventPorts, eventsWork, processEvents, takesEventsOneByOne } from "../../engine/run/process-events.ts";
import { recoverOpenEntries } from "../../engine/run/recover.ts";
import { jittered, nextTry } from "../../engine/run/retry.ts";
import type { Database } from "../db/prisma.ts";
import { blockedKeys } from "../db/run-store/parked.ts";
import { logUnexpected } from "../log.ts";
import { isOutage } from "../runs/outage.ts";
import type { RunConnections } from "../runs/run-connections.ts";
import type { Claim, ClaimedEvent } from "./claim-events.ts";
import type { EventLease } from "./event-lease.ts";
import { enterEventLedger, eventRecovery } from "./event-ledger.ts";
import { type Batch, settleEvents, settleUnprocessed } from "./settle-events.ts";
import { type EventsWait, forgetFailures, storeEventsWait, storeHalf } from "./wait-events.ts";

export type EventsSite = {
  base: Pick<Database, "db" | "pool">;
  lease: EventLease;
  connections: RunConnections;
  signal: AbortSignal;
  /** number of the next ledger part under this lease */
  nextPart: number;
  /** ledger rows of earlier batches that are not settled; null = not looked at since something was left */
  open: PageWork["open"] | null;
};

/** The live version: its plan, and the step events come in by. @throws IntegrationError when it cannot be planned now */
export type EventsFlow = { trigger: string; kind: "webhook" | "event"; plan(): Promise<Plan> };

/** `narrow`: the batch has a defect in it somewhere; take fewer events next time, down to one. */
export type Worked = "settled" | "waiting" | "narrow" | "one-by-one";

/**
 * @returns "one-by-one" without having done anything when the flow takes its events singly and the batch has more
 * @throws LeaseLost; on an outage of our own database; when the worker is stopping
 */
export async function workOnEvents(site: EventsSite, claim: Claim, flow: EventsFlow): Promise<Worked> {
  const { lease, base } = site;
  const batch: Batch = {
    lease,
    version: claim.version ?? 0,
    events: claim.events,
    startedAt: new Date(),
    parts: [],
    trigger: flow.kind,
    answers: false,
  };
  let planned: Plan;
  try {
    planned = await flow.plan();
  } catch (error) {
    return await unplanned(site, { claim, batch, trigger: flow.trigger }, error);
  }
  const trigger = planned.trigger.step;
  if (trigger.kind !== "webhook" && trigger.kind !== "event") {
    const message = `The flow no longer starts with events. They were kept; publish it with a webhook or event step again, then replay them.`;
    await settleUnprocessed(base.pool, batch, {
      trigger: trigger.id,
      failure: { code: "not-a-webhook", message },
      state: "succeeded_with_errors",
    });
    return "settled";
  }
  batch.answers = trigger.kind === "webhook" && trigger.wait === true;
  if (claim.events.length > 1 && takesEventsOneByOne(planned)) return "one-by-one";
  const first = await tryBatch(site, batch, planned, false);
  if (first.done) {
    if (claim.failures > 0 || claim.waited) await forgetFailures(base.pool, lease);
    return "settled";
  }
  return await interrupted(site, { claim, batch, plan: planned }, first.error, first.work);
}

type Tried = { done: true } | { done: false; error: unknown; work: PageWork };

async function tryBatch(site: EventsSite, batch: Batch, plan: Plan, giveUp: boolean): Promise<Tried> {
  const { base, lease, connections, signal } = site;
  const { flowId } = lease;
  site.open ??= await recoverOpenEntries({
    store: eventRecovery(base.pool, lease),
    connectionById: connections.connectionById,
    signal,
  });
  const now = new Date(batch.events.at(-1)?.receivedAt ?? Date.now());
  const job = { flowId, events: batch.events, now, firstPart: site.nextPart, open: site.open, giveUp };
  const work = eventsWork(plan, job);
  const runOf = (origin: number) => (batch.events[work.eventOf[origin] as number] as ClaimedEvent).runId;
  const ports: EventPorts = {
    store: {
      enter: (address, drafts, receipt) => enterEventLedger(base.pool, lease, runOf, address, drafts, receipt),
      foresee: neverDry,
      foreseen: neverDry,
      blocked: (keys, orParked) => blockedKeys(base.pool, flowId, keys, orParked),
      seen: (step, _scope, keys) => seenForever(base, flowId, step, keys),
    },
    connection: connections.connection,
    isDown: connections.isDown,
    sleep: (ms, abort) => sleep(ms, undefined, { signal: abort }),
    report: (error) => void logUnexpected(error, { flow: flowId }),
    random: Math.random,
    signal,
  };
  try {
    const result = await processEvents(plan, job, work, ports);
    for (let part = job.firstPart; part < work.nextPart; part++) batch.parts.push(part);
    await settleEvents(base.pool, batch, result);
    return { done: true };
  } catch (error) {
    return { done: false, error, work };
  } finally {
    site.nextPart = work.nextPart;
  }
}

async function neverDry(): Promise<never> {
  throw new Error("Events are not worked on by a dry run.");
}

async function seenForever({ pool }: EventsSite["base"], flowId: string, step: string, keys: string[]) {
  const { rows } = await pool.query<{ key: string }>(
    "SELECT key FROM seen_key WHERE scope = $1 AND step_id = $2 AND key = ANY($3)",
    [flowId, step, keys],
  );
  return new Set(rows.map(({ key }) => key));
}

type Interruption = { claim: Claim; batch: Batch; plan: Plan };

async function interrupted(
  site: EventsSite,
  { claim, batch, plan }: Interruption,
  error: unknown,
  work: PageWork,
): Promise<Worked> {
  const { pool } = site.base;
  if (error instanceof LeaseLost || isOutage(error) || site.signal.aborted) throw error;
  site.open = null; // what was sent is looked at before it is sent again
  const half = { fixes: work.fixes, unsettled: work.unsettled };
  if (!(error instanceof IntegrationError || error instanceof PageInterrupted)) {
    const logId = logUnexpected(error, { flow: site.lease.flowId });
    await storeHalf(pool, batch, half);
    if (claim.events.length > 1) return "narrow";
    const message = `Plumbline failed on this event. This is a defect of ours; an admin finds it in the log under ${logId}.`;
    const failure = { code: "internal", message };
    await settleUnprocessed(pool, batch, { trigger: plan.trigger.id, failure, state: "failed" });
    return "settled";
  }
  const wait = await waitFor(site, claim, error, retryPolicy(plan.flow.settings ?? {}));
  if (wait) {
    await storeEventsWait(pool, batch, { ...wait, half });
    return "waiting";
  }
  await storeHalf(pool, batch, half);
  const last = await tryBatch(site, batch, plan, true);
  if (last.done) {
    await forgetFailures(pool, site.lease);
    return "settled";
  }
  if (!(last.error instanceof PageInterrupted)) throw last.error;
  // sent, and the target cannot say whether it arrived: that must be known before anything else
  site.open = null;
  const resumeAt = new Date(Date.now() + 60_000);
  await storeEventsWait(pool, batch, {
    reason: "retry",
    resumeAt,
    failure: failureAt(last.error, last.error.failure),
    connection: last.error.connection,
    counted: true,
    half: { fixes: last.work.fixes, unsettled: last.work.unsettled },
  });
  return "waiting";
}

/** The flow could not even be planned. */
async function unplanned(
  site: EventsSite,
  { claim, batch, trigger }: Omit<Interruption, "plan"> & { trigger: string },
  error: unknown,
): Promise<Worked> {
  if (isOutage(error) || site.signal.aborted) throw error;
  if (!(error instanceof IntegrationError)) throw error;
  const wait = await waitFor(site, claim, error, retryPolicy({}));
  if (wait) {
    await storeEventsWait(site.base.pool, batch, wait);
    return "waiting";
  }
  const { code, message } = error;
  await settleUnprocessed(site.base.pool, batch, {
    trigger,
    failure: { code, message },
    state: "succeeded_with_errors",
  });
  return "settled";
}

/** How long to wait after this failure; null when waiting is over, or of no use. As runs do it (engine/run/run-pages.ts). */
async function waitFor(
  { connections }: EventsSite,
  claim: Claim,
  error: IntegrationError | PageInterrupted,
  policy: ReturnType<typeof retryPolicy>,
): Promise<EventsWait | null> {
  const info: FailureInfo = error instanceof PageInterrupted ? error.failure : failureOf(error);
  const connection =
    error instanceof PageInterrupted || error instanceof ConnectionFailed ? error.connection : undefined;
  const failure = failureAt(error, info);
  const named = connection === undefined ? {} : { connection };
  if (info.kind === "credentials") return { reason: "credentials", resumeAt: null, failure, ...named, counted: false };
  if (info.kind !== "transient") return null;
  if (connection !== undefined && (await connections.isDown(connection, info)))
    return { reason: "target", resumeAt: null, failure, ...named, counted: false };
  const now = Date.now();
  if (info.code === "rate-limited" && info.retryAfterMs !== undefined) {
    const resumeAt = new Date(now + jittered(info.retryAfterMs, Math.random()));
    return { reason: "retry", resumeAt, failure, ...named, counted: false };
  }
  const failingForMs = claim.failingSince ? now - claim.failingSince.getTime() : 0;
  const waitMs = nextTry(policy, claim.failures + 1, failingForMs, info, Math.random());
  if (waitMs === null) return null;
  return { reason: "retry", resumeAt: new Date(now + waitMs), failure, ...named, counted: true };
}

function failureAt(error: unknown, { code, message }: FailureInfo) {
  return { code, message, ...(error instanceof PageInterrupted ? { step: error.step } : {}) };
}
