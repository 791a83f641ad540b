/** Works on one batch of a flow's events, and decides what a failure means for them. See docs/decisions/0009-events.md. */
import { failureOf, IntegrationError } from "../../connectors/sdk/errors.ts";
import type { Json } from "../../connectors/sdk/types.ts";
import type { Plan } from "../flow/compile.ts";
import {
  ConnectionFailed,
  LeaseLost,
  type LedgerDraft,
  type LedgerFix,
  type PartAddress,
  type RunFailure,
  type RunPorts,
  type RunStore,
  RunsCancelled,
  type WaitReason,
} from "../ports.ts";
import { retryPolicy } from "./execute-flow.ts";
import { PageInterrupted, type PageWork } from "./page.ts";
import {
  type EventPorts,
  type EventRun,
  type EventsResult,
  eventsWork,
  processEvents,
  takesEventsOneByOne,
} from "./process-events.ts";
import { recoverOpenEntries } from "./recover.ts";
import { asksForTime, jittered, nextTry } from "./retry.ts";
import type { StopCondition } from "./stop-condition.ts";

/** Events that were claimed together. */
export type EventBatch = {
  flowId: string;
  events: EventRun[];
  /** newest arrival among them: what NOW() gives */
  now: Date;
  /** consecutive failures of the flow's events so far, and since when */
  failures: number;
  failingSince: Date | null;
  /** they waited, and the time has come */
  waited: boolean;
};

/**
 * The live version: the step events come in by, when too many failed for it to go on, and its plan.
 *
 * @throws IntegrationError when it cannot be planned now
 */
export type EventsFlow = { trigger: string; stop: StopCondition; plan(): Promise<Plan> };

/** What one holder of a flow's events remembers from batch to batch. */
export type EventsMemory = {
  /** number of the next ledger part under this lease */
  nextPart: number;
  /** ledger rows of earlier batches that are not settled; null = not looked at since something was left */
  open: PageWork["open"] | null;
};

export type EventsWait = {
  reason: Extract<WaitReason, "retry" | "target" | "credentials">;
  /** null: until the connection is mended or answers again */
  resumeAt: Date | null;
  failure: RunFailure;
  connection?: string;
  counted: boolean;
  half?: HalfBatch;
};

/**
 * What was sent of a batch that did not end: of its own ledger parts those that are not `unsettled` have their answers; parts
 * an earlier batch left open stay so.
 */
export type HalfBatch = { fixes: LedgerFix[]; parts: number[]; unsettled: Iterable<number> };

/** `parts`: the batch's ledger parts; `recovered`: it went through after failures, which are forgotten. */
export type Settlement = { result: EventsResult; parts: number[]; recovered: boolean };

/** Why a batch could not be worked on. `failed`: a defect of ours, which is worth a look; else the letters tell enough. */
export type Unprocessed = {
  trigger: string;
  failure: { code: string; message: string };
  state: "failed" | "succeeded_with_errors";
};

/**
 * What a batch needs from outside; every method is one transaction.
 *
 * Each throws LeaseLost when another process holds the flow's events, `enter`, `settle` and `settleUnprocessed` RunsCancelled
 * when a person cancelled runs of the flow since the batch was claimed.
 */
export type EventStore = Pick<RunStore, "openEntries" | "settleParts" | "seen" | "blocked"> & {
  /** stores entries that are about to be sent; `runs[i]` is the run of `entries[i]` */
  enter(address: PartAddress, entries: LedgerDraft[], runs: string[], receipt: Json | undefined): Promise<void>;
  /** ends the batch, and stops the flow when too many of its last events have failed by then */
  settle(settlement: Settlement, stop: StopCondition): Promise<void>;
  /** the same, making a dead letter of each event where the flow begins */
  settleUnprocessed(why: Unprocessed, stop: StopCondition): Promise<void>;
  /** the batch failed but is tried again at once, in another way: only what was sent is stored */
  keepHalf(half: HalfBatch): Promise<void>;
  wait(wait: EventsWait): Promise<void>;
};

export type BatchPorts = Omit<RunPorts, "store" | "report"> & {
  store: EventStore;
  /** keeps an unexpected error where we find it, under the id it returns */
  report(error: unknown): string;
};

/**
 * `narrow`: the batch has a defect in it somewhere; take fewer events next time, down to one. `again`: runs of it were
 * cancelled; what is left is claimed anew.
 */
export type Worked = "settled" | "waiting" | "narrow" | "one-by-one" | "again";

/** How many events to take next, after a batch of `taken` with at most `limit`: few while a defect is looked for, then more. */
export function nextLimit(worked: Worked, { limit, taken, most }: { limit: number; taken: number; most: number }) {
  if (worked === "narrow") return Math.max(1, Math.ceil(taken / 2));
  return worked === "settled" ? Math.min(most, limit * 2) : limit;
}

/**
 * @returns "one-by-one" without having done anything when the flow takes its events singly and the batch has more
 * @throws LeaseLost; on an outage of our own database; when the worker is stopping
 */
export async function workOnBatch(
  batch: EventBatch,
  flow: EventsFlow,
  memory: EventsMemory,
  ports: BatchPorts,
): Promise<Worked> {
  try {
    return await work(batch, flow, memory, ports);
  } catch (error) {
    if (!(error instanceof RunsCancelled)) throw error;
    memory.open = null;
    return "again";
  }
}

async function work(batch: EventBatch, flow: EventsFlow, memory: EventsMemory, ports: BatchPorts): Promise<Worked> {
  let plan: Plan;
  try {
    plan = await flow.plan();
  } catch (error) {
    return await unplanned(batch, flow, ports, error);
  }
  const trigger = plan.trigger.step;
  if (trigger.kind !== "webhook" && trigger.kind !== "event") {
    const message = `The flow no longer starts with events. They were kept; publish it with a webhook or event step again, then replay them.`;
    const failure = { code: "not-a-webhook", message };
    const why = { trigger: trigger.id, failure, state: "succeeded_with_errors" } as const;
    await ports.store.settleUnprocessed(why, flow.stop);
    return "settled";
  }
  if (batch.events.length > 1 && takesEventsOneByOne(plan)) return "one-by-one";
  const attempt = { batch, plan, stop: flow.stop, memory, ports };
  const first = await tryBatch(attempt, false);
  if (first.done) return "settled";
  return await interrupted(attempt, first.error, first.half);
}

type Attempt = { batch: EventBatch; plan: Plan; stop: StopCondition; memory: EventsMemory; ports: BatchPorts };

type Tried = { done: true } | { done: false; error: unknown; half: HalfBatch };

async function tryBatch({ batch, plan, stop, memory, ports }: Attempt, giveUp: boolean): Promise<Tried> {
  const { flowId, events, now, failures, waited } = batch;
  const { store } = ports;
  try {
    memory.open ??= await recoverOpenEntries(ports);
  } catch (error) {
    if (!isFailure(error)) throw error;
    return { done: false, error, half: { fixes: [], parts: [], unsettled: [] } };
  }
  const job = { flowId, events, now, firstPart: memory.nextPart, open: memory.open, giveUp };
  const work = eventsWork(plan, job);
  const runOf = (origin: number) => (events[work.eventOf[origin] as number] as EventRun).runId;
  const eventPorts: EventPorts = {
    ...ports,
    store: {
      enter: (address, drafts, receipt) =>
        store.enter(
          address,
          drafts,
          drafts.map(({ origin }) => runOf(origin as number)),
          receipt,
        ),
      settleParts: store.settleParts,
      foresee: neverDry,
      foreseen: neverDry,
      blocked: store.blocked,
      seen: store.seen,
    },
  };
  const parts = () => Array.from({ length: work.nextPart - job.firstPart }, (_, index) => job.firstPart + index);
  try {
    const result = await processEvents(plan, job, work, eventPorts);
    await store.settle({ result, parts: parts(), recovered: giveUp || failures > 0 || waited }, stop);
    return { done: true };
  } catch (error) {
    return { done: false, error, half: { fixes: work.fixes, parts: parts(), unsettled: work.unsettled } };
  } finally {
    memory.nextPart = work.nextPart;
  }
}

async function neverDry(): Promise<never> {
  throw new Error("Events are not worked on by a dry run.");
}

async function interrupted(attempt: Attempt, error: unknown, half: HalfBatch): Promise<Worked> {
  const { batch, plan, stop, memory, ports } = attempt;
  const { store } = ports;
  if (error instanceof RunsCancelled) {
    await store.keepHalf(half);
    throw error;
  }
  if (error instanceof LeaseLost || ports.isOutage(error) || ports.signal.aborted) throw error;
  memory.open = null; // what was sent is looked at before it is sent again
  if (!isFailure(error)) {
    const logId = ports.report(error);
    await store.keepHalf(half);
    if (batch.events.length > 1) return "narrow";
    const message = `Plumbline failed on this event. This is a defect of ours; an admin finds it in the log under ${logId}.`;
    const failure = { code: "internal", message };
    await store.settleUnprocessed({ trigger: plan.trigger.id, failure, state: "failed" }, stop);
    return "settled";
  }
  const wait = await waitFor(batch, error, retryPolicy(plan.flow.settings ?? {}), ports);
  if (wait) {
    await store.wait({ ...wait, half });
    return "waiting";
  }
  await store.keepHalf(half);
  const last = await tryBatch(attempt, true);
  if (last.done) return "settled";
  if (last.error instanceof RunsCancelled) await store.keepHalf(last.half);
  if (!isFailure(last.error) || ports.signal.aborted) throw last.error;
  // sent, and the target cannot say whether it arrived: that must be known before anything else
  memory.open = null;
  const resumeAt = new Date(ports.clock().getTime() + 60_000);
  await store.wait({ reason: "retry", resumeAt, ...placeOf(last.error), counted: true, half: last.half });
  return "waiting";
}

type Failure = IntegrationError | PageInterrupted;

function isFailure(error: unknown): error is Failure {
  return error instanceof IntegrationError || error instanceof PageInterrupted;
}

/** The flow could not even be planned. */
async function unplanned(batch: EventBatch, flow: EventsFlow, ports: BatchPorts, error: unknown): Promise<Worked> {
  if (ports.isOutage(error) || ports.signal.aborted) throw error;
  if (!(error instanceof IntegrationError)) throw error;
  const wait = await waitFor(batch, error, retryPolicy({}), ports);
  if (wait) {
    await ports.store.wait(wait);
    return "waiting";
  }
  const { code, message } = error;
  const { trigger, stop } = flow;
  await ports.store.settleUnprocessed({ trigger, failure: { code, message }, state: "succeeded_with_errors" }, stop);
  return "settled";
}

/** How long to wait after this failure; null when waiting is over, or of no use. As runs do it (run-pages.ts). */
async function waitFor(
  { failures, failingSince }: EventBatch,
  error: Failure,
  policy: ReturnType<typeof retryPolicy>,
  ports: BatchPorts,
): Promise<EventsWait | null> {
  const info = error instanceof PageInterrupted ? error.failure : failureOf(error);
  const place = placeOf(error);
  if (info.kind === "credentials") return { reason: "credentials", resumeAt: null, ...place, counted: false };
  if (info.kind !== "transient") return null;
  if (place.connection !== undefined && (await ports.isDown(place.connection, info)))
    return { reason: "target", resumeAt: null, ...place, counted: false };
  const now = ports.clock().getTime();
  const laterMs = asksForTime(info);
  if (laterMs !== undefined) {
    const resumeAt = new Date(now + jittered(laterMs, ports.random()));
    return { reason: "retry", resumeAt, ...place, counted: false };
  }
  const failingForMs = failingSince ? now - failingSince.getTime() : 0;
  const waitMs = nextTry(policy, failures + 1, failingForMs, info, ports.random());
  if (waitMs === null) return null;
  return { reason: "retry", resumeAt: new Date(now + waitMs), ...place, counted: true };
}

/** What failed, where, and the connection it waits for. */
function placeOf(error: Failure): Pick<EventsWait, "failure" | "connection"> {
  if (error instanceof PageInterrupted) {
    const { code, message } = error.failure;
    return { failure: { code, message, step: error.step }, connection: error.connection };
  }
  const { code, message } = failureOf(error);
  return { failure: { code, message }, ...(error instanceof ConnectionFailed ? { connection: error.connection } : {}) };
}
