/**
 * Writes pages to systems that take one record per request: read back, compare, enter in the ledger, send with bounded
 * concurrency, and settle lost answers. What the system can do is given as `RecordSink`; what it cannot is left out.
 */
import { type FailureInfo, failureOf, IntegrationError } from "./errors.ts";
import { tookTooLong } from "./http-errors.ts";
import { sameValue } from "./json.ts";
import { inLanes } from "./lanes.ts";
import {
  afterPlan,
  asStored,
  assertMatch,
  entryOf,
  failed,
  hasKey,
  needsRead,
  type Plan,
  pick,
  planWrite,
  type RecordSink,
  type SendContext,
  type Stored,
  type Target,
} from "./plan-write.ts";
import { Suspects, type Track } from "./suspects.ts";
import type { JsonRecord } from "./types.ts";
import { UNDER_WAY_MS } from "./under-way.ts";
import type { WriteHooks, WriteOutcome, WriteRequest } from "./writing.ts";

/** Failures after which the rest of the page would fail too, so it is not sent. */
export function endsPage(failure: FailureInfo): boolean {
  if (failure.kind === "credentials" || failure.kind === "settings") return true;
  return (
    failure.code === "rate-limited" ||
    failure.code === "disk-full" ||
    failure.code === "unreachable" ||
    (failure.code === "unavailable" && failure.retryAfterMs !== undefined)
  );
}

/** Whether the request may have taken effect although it failed: the answer was lost, or a server broke while working. */
export const mayHaveLanded = (failure: FailureInfo) =>
  failure.code === "outcome-unknown" || failure.code === "server-error";

/** Creates in a row that nobody can find out about: then something is wrong with the system, and no more of them are risked. */
const UNKNOWN_IN_A_ROW = 3;

/**
 * Writes one page. A failure that may be one record's or the whole system's is judged by what becomes of the others: see
 * `Suspects`. Outcomes stand in the order of the records; throws only before anything was sent.
 */
export async function writeRecords(
  sink: RecordSink,
  request: WriteRequest,
  hooks: WriteHooks,
  track?: Track,
): Promise<WriteOutcome[]> {
  assertMatch(sink, request);
  const { records, signal, halt } = request;
  const outcomes = new Array<WriteOutcome | undefined>(records.length);
  const plans = new Array<Plan>(records.length);
  const known = new Map<string, Stored | null>();
  const indexes = records.map((_, index) => index);
  const laneOf = (index: number) => {
    const { key, values } = records[index]!;
    return hasKey(sink, values) ? JSON.stringify(pick(values, sink.key)) : `record ${key}`;
  };
  let stop: FailureInfo | undefined;
  const suspects = new Suspects(track, `${request.sink} `);
  /** Books a failure, which may be the reason to send nothing more. */
  const book = (kind: string, index: number, outcome: Extract<WriteOutcome, { failure: FailureInfo }>) => {
    outcomes[index] = outcome;
    const { failure } = outcome;
    if (outcome.outcome === "unknown") {
      if (suspects.failed(kind, index, UNKNOWN_IN_A_ROW)) stop ??= failure;
    } else if (failure.ofRecord) {
      if (suspects.failed(kind, index) && failure.kind !== "transient") stop ??= failure;
    } else if (endsPage(failure)) stop ??= failure;
  };
  const ofTheirOwn = (failures: number[]) => {
    for (const index of failures)
      outcomes[index] = ofItsOwn(outcomes[index]!, plans[index]?.do === "create" && !sink.read);
  };
  const holdBack = (index: number, failure: FailureInfo) => {
    outcomes[index] = { ...failed(passedOn(failure)), notSent: true };
  };

  await inLanes(indexes, laneOf, sink.concurrency, async (index) => {
    signal.throwIfAborted();
    const record = records[index]!;
    if (halt?.aborted) stop ??= stopped;
    const begunAt = suspects.begin();
    try {
      let stored = known.get(laneOf(index));
      if (stored === undefined && needsRead(sink, request.operation, record.values)) {
        if (stop) return holdBack(index, stop);
        stored = await sink.read!(sink.identify(record.values), signal);
        ofTheirOwn(suspects.taken("read", begunAt));
      }
      const plan = planWrite(sink, request, record, stored);
      plans[index] = plan;
      if (plan.do === "nothing") outcomes[index] = plan.outcome;
      const held = afterPlan(plan, stored);
      if (held !== undefined) known.set(laneOf(index), held);
    } catch (error) {
      signal.throwIfAborted();
      book("read", index, failed(failureOf(error)));
    }
  });

  const open = indexes.filter((index) => outcomes[index] === undefined);
  const blind = new Set(open.filter((index) => cannotTell(sink, plans[index]!, records[index]!.values)));
  if (!stop) {
    const entries = open.filter((index) => !blind.has(index)).map((index) => entryOf(index, plans[index]!));
    if (entries.length > 0) await hooks.enter(entries);
  }
  const broken = new Map<string, FailureInfo>();
  await inLanes(open, laneOf, sink.concurrency, async (index) => {
    const before = broken.get(laneOf(index));
    if (stop || signal.aborted || halt?.aborted || before) return holdBack(index, stop ?? before ?? stopped);
    try {
      if (blind.has(index)) await hooks.enter([entryOf(index, plans[index]!)]);
    } catch (error) {
      stop ??= failureOf(error); // others are under way, so their outcomes must not get lost
      outcomes[index] = failed(failureOf(error));
      return;
    }
    const kind = plans[index]!.do;
    const begunAt = suspects.begin();
    const outcome = await sendPlan(sink, request, index, plans[index]!, hooks).catch((error) =>
      failed(failureOf(error)),
    );
    if (outcome.outcome === "failed" || outcome.outcome === "unknown") {
      book(kind, index, outcome);
      // The next change of the same record was planned on this one; it may only follow when this one landed.
      broken.set(laneOf(index), outcome.failure);
      return;
    }
    outcomes[index] = outcome;
    ofTheirOwn(suspects.taken(kind, begunAt));
  });
  // what may pass by itself may have begun with the last ones: only what came after them could tell
  if (!stop) ofTheirOwn(suspects.rest().filter((index) => !mayPass(outcomes[index]!)));
  return outcomes as WriteOutcome[];
}

const mayPass = (outcome: WriteOutcome) => outcome.outcome === "failed" && outcome.failure.kind === "transient";

/** A failure that turned out to be the record's alone. What may pass is asked again, and then given up. */
function ofItsOwn(outcome: WriteOutcome, blindly: boolean): WriteOutcome {
  if (outcome.outcome !== "failed" || !outcome.failure.ofRecord) return outcome;
  const { failure } = outcome;
  if (failure.kind === "transient") return { ...outcome, lone: true };
  // it was taken, by its status: whether it arrived where it should is for a person to find out
  if (failure.code === "answer-not-json" && blindly) return { outcome: "unknown", failure: failure.ofRecord! };
  return { ...outcome, failure: failure.ofRecord! };
}

/**
 * After a crash nobody could tell whether this create arrived. Such records are entered one by one, each just before it is
 * sent: then only what was really under way ends up with a person.
 */
function cannotTell(sink: RecordSink, plan: Plan, values: JsonRecord): boolean {
  return plan.do === "create" && !sink.idempotencyKeys && !(sink.read && hasKey(sink, values));
}

const stopped: FailureInfo = { kind: "transient", code: "stopped", message: "The run was stopped." };

/** Another record's failure, as the reason to hold this one back: it is for later. */
const passedOn = ({ kind, code, message, retryAfterMs }: FailureInfo): FailureInfo => ({
  kind: kind === "rejected" ? "transient" : kind,
  code,
  message,
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});

async function sendPlan(
  sink: RecordSink,
  request: WriteRequest,
  index: number,
  plan: Plan,
  hooks: WriteHooks,
): Promise<WriteOutcome> {
  if (plan.do === "nothing") return plan.outcome;
  const { values, idempotencyKey } = request.records[index]!;
  const context = { idempotencyKey, signal: request.signal, halt: request.halt };
  try {
    return await perform(sink, plan, values, context);
  } catch (error) {
    const failure = failureOf(error);
    const lost = { ...context, underWay: error instanceof IntegrationError && tookTooLong(error.cause) };
    if (mayHaveLanded(failure)) return settleLost(sink, plan, values, lost, failure);
    if (failure.code === "answer-not-json" && sink.read) {
      const found = await lookUp(sink, plan, values, lost, failure);
      return found.outcome === "unknown" ? failed(failure) : found;
    }
    if (plan.do === "delete" && failure.code === "record-not-found") return { outcome: "unchanged" };
    if (plan.do !== "create" || request.operation !== "upsert" || failure.code !== "conflict" || !sink.update)
      throw error;
    // It exists after all: someone made it since we looked, or we cannot look.
    const stored = sink.read ? await sink.read(plan.identity, request.signal) : undefined;
    if (stored === null) throw error;
    const again = stored
      ? planWrite(sink, request, request.records[index]!, stored)
      : ({ do: "update", identity: plan.identity, before: null, after: values, stored: null } satisfies Plan);
    if (again.do === "nothing") return again.outcome;
    await hooks.enter([entryOf(index, again)]);
    return perform(sink, again, values, context);
  }
}

/** Sends one change. */
export async function perform(
  sink: RecordSink,
  plan: Exclude<Plan, { do: "nothing" }>,
  values: JsonRecord,
  context: SendContext,
): Promise<WriteOutcome> {
  const target: Target = { identity: plan.identity, current: plan.stored?.record ?? null };
  if (plan.stored?.remoteId !== undefined) target.remoteId = plan.stored.remoteId;
  if (plan.do === "delete") {
    await sink.remove!(target, context);
    return { outcome: "deleted", identity: plan.identity };
  }
  const saved =
    plan.do === "create"
      ? await sink.create(values, context)
      : await sink.update!(target, plan.after ?? values, values, context);
  return {
    outcome: plan.do === "create" ? "created" : "updated",
    identity: plan.do === "create" ? sink.identify(values, saved) : plan.identity,
    after: asStored(plan.after ?? values, saved.record),
    ...(saved.remoteId === undefined ? {} : { remoteId: saved.remoteId }),
  };
}

/** `underWay`: it may still be carried out, as it was we who gave up. */
type LostContext = SendContext & { underWay: boolean };

/** The answer was lost: looks whether the change landed; repeats a create only where the idempotency key makes that safe. */
async function settleLost(
  sink: RecordSink,
  plan: Exclude<Plan, { do: "nothing" }>,
  values: JsonRecord,
  context: LostContext,
  lost: FailureInfo,
): Promise<WriteOutcome> {
  for (let attempt = 0; plan.do === "create" && sink.idempotencyKeys && !context.signal.aborted; attempt++) {
    try {
      return await perform(sink, plan, values, context);
    } catch (error) {
      const failure = failureOf(error);
      if (mayHaveLanded(failure) && attempt < 2) continue;
      // Without looking, a later try would find our own record and take it for somebody else's.
      if (sink.read) return lookUp(sink, plan, values, context, lost);
      // a refusal is about the same key, so it says what became of it; what failed in passing says nothing of the first try
      return failure.kind === "rejected" ? failed(failure) : { ...failed(failure), sent: true };
    }
  }
  if (sink.read && hasKey(sink, { ...values, ...plan.identity }) && !context.signal.aborted)
    return lookUp(sink, plan, values, context, lost);
  // Setting the same values or deleting the same record again does no harm; creating again would.
  return plan.do === "create" ? { outcome: "unknown", failure: lost } : { ...failed(lost), sent: true };
}

/** Reads a record, through blips; undefined when that cannot be done now. */
async function readSurely(
  sink: RecordSink,
  identity: JsonRecord,
  signal: AbortSignal,
): Promise<Stored | null | undefined> {
  for (let attempt = 0; attempt < 4; attempt++) {
    if (attempt > 0) await pause(50 * 4 ** (attempt - 1), signal);
    if (signal.aborted) return undefined;
    const stored = await sink.read!(identity, signal).catch(() => undefined);
    if (stored !== undefined) return stored;
  }
  return undefined;
}

/** Ends early, without an error, when the signal does. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(end, ms);
    function end() {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      done();
    }
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
  });
}

async function lookUp(
  sink: RecordSink,
  plan: Exclude<Plan, { do: "nothing" }>,
  values: JsonRecord,
  { signal, underWay }: LostContext,
  lost: FailureInfo,
): Promise<WriteOutcome> {
  const wanted = plan.after ?? values;
  const landed = (found: Stored | null) =>
    plan.do === "delete"
      ? found === null
      : found !== null &&
        (plan.do === "create" || Object.keys(wanted).every((name) => sameValue(wanted[name], found.record[name])));
  let stored = await readSurely(sink, plan.identity, signal);
  if (stored !== undefined && !landed(stored) && underWay && !sink.idempotencyKeys) {
    // it may be carried out yet, and would be twice if it were sent again
    await pause(UNDER_WAY_MS, signal);
    stored = await readSurely(sink, plan.identity, signal);
  }
  if (stored === undefined)
    // the worker is stopping: whoever goes on looks again
    return plan.do === "create" && !signal.aborted
      ? { outcome: "unknown", failure: lost }
      : { ...failed(lost), sent: true };
  if (plan.do === "delete" && stored === null) return { outcome: "deleted", identity: plan.identity };
  if (!landed(stored) || stored === null)
    return sink.idempotencyKeys && plan.do === "create" ? { ...failed(lost), sent: true } : failed(lost);
  return {
    outcome: plan.do === "create" ? "created" : "updated",
    identity: sink.identify(values, stored),
    after: asStored(wanted, stored.record),
    ...(stored.remoteId === undefined ? {} : { remoteId: stored.remoteId }),
  };
}
