/**
 * Writes pages to systems that take one record per request: read back, compare, enter in the ledger, send with bounded
 * concurrency, and settle lost answers. What the system can do is given as `RecordSink`; what it cannot is left out.
 */
import { type FailureInfo, failureOf, IntegrationError, quote } from "./errors.ts";
import { sameValue } from "./json.ts";
import { inLanes } from "./lanes.ts";
import type { JsonRecord, LedgerEntry, WriteHooks, WriteOutcome, WriteRecord, WriteRequest } from "./types.ts";

/** A record as the system holds it. */
export type Stored = { record: JsonRecord; remoteId?: string };
/** What a create or an update answered: the record as stored, when the answer holds it. */
export type Saved = { record?: JsonRecord; remoteId?: string };
export type Target = { identity: JsonRecord; current: JsonRecord | null; remoteId?: string };
export type SendContext = { idempotencyKey: string; signal: AbortSignal };

export type RecordSink = {
  name: string;
  /** fields that identify one record */
  key: string[];
  /** requests at once */
  concurrency: number;
  /** `create` passes the idempotency key on, so that a repeat acts once */
  idempotencyKeys: boolean;
  /** fields with values that find a record again, from what is known of it: its key and what paths need */
  identify(values: JsonRecord, stored?: Saved): JsonRecord;
  /** why these values cannot be sent (missing, wrong type, too long); undefined when they can */
  problem?(values: JsonRecord, operation: "create" | "update"): FailureInfo | undefined;
  /** null when there is no such record */
  read?(identity: JsonRecord, signal: AbortSignal): Promise<Stored | null>;
  create(values: JsonRecord, context: SendContext): Promise<Saved>;
  /** @param changed the fields that differ; @param values all mapped fields */
  update?(target: Target, changed: JsonRecord, values: JsonRecord, context: SendContext): Promise<Saved>;
  remove?(target: Target, context: SendContext): Promise<void>;
};

/** What one record needs: a change to send, or nothing any more. */
export type Plan =
  | { do: "nothing"; outcome: Extract<WriteOutcome, { outcome: "unchanged" | "failed" }> }
  | {
      do: "create" | "update" | "delete";
      identity: JsonRecord;
      before: JsonRecord | null;
      after: JsonRecord | null;
      stored: Stored | null;
    };

const failed = (failure: FailureInfo): Extract<WriteOutcome, { outcome: "failed" }> => ({ outcome: "failed", failure });
const nothing = (failure: FailureInfo): Plan => ({ do: "nothing", outcome: failed(failure) });
const rejected = (code: string, message: string, field?: string): Plan =>
  nothing(new IntegrationError(message, { kind: "rejected", code, field }).info);

export const pick = (record: JsonRecord, names: string[]): JsonRecord =>
  Object.fromEntries(names.map((name) => [name, record[name] ?? null]));

/** The values written, as the system says it stored them. */
export function asStored(values: JsonRecord, record: JsonRecord | undefined): JsonRecord {
  if (!record) return values;
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Object.hasOwn(record, name) ? record[name]! : value]),
  );
}

/** Failures after which the rest of the page would fail too, so it is not sent. */
export function endsPage(failure: FailureInfo): boolean {
  if (failure.kind === "credentials" || failure.kind === "settings") return true;
  return (
    failure.code === "rate-limited" ||
    failure.code === "unreachable" ||
    (failure.code === "unavailable" && failure.retryAfterMs !== undefined)
  );
}

/** Whether the request may have taken effect although it failed: the answer was lost, or a server broke while working. */
export const mayHaveLanded = (failure: FailureInfo) =>
  failure.code === "outcome-unknown" || failure.code === "server-error";

/** @throws IntegrationError "match-not-key" (settings) when the step finds records by other fields than the sink can */
export function assertMatch(sink: RecordSink, { operation, match }: WriteRequest): void {
  if (operation === "insert" || (match.length === sink.key.length && match.every((field) => sink.key.includes(field))))
    return;
  throw new IntegrationError(
    `Sink "${sink.name}" finds records by ${sink.key.map((field) => quote(field)).join(", ")}; the step matches by ${match.map((field) => quote(field)).join(", ") || "nothing"}. Match by the sink's key, or change the key in the connection's settings.`,
    { kind: "settings", code: "match-not-key" },
  );
}

export const hasKey = (sink: RecordSink, values: JsonRecord) =>
  sink.key.length > 0 &&
  sink.key.every((field) => values[field] !== undefined && values[field] !== null && values[field] !== "");

/** Whether the record must be read back before the change can be planned. */
export function needsRead(sink: RecordSink, operation: WriteRequest["operation"], values: JsonRecord): boolean {
  if (!sink.read || !hasKey(sink, values)) return false;
  // A system that knows idempotency keys cannot create twice, and tells by itself when the record exists.
  return operation !== "insert" || !sink.idempotencyKeys;
}

/** @param stored the record as the system holds it; null = there is none; undefined = it cannot be read back */
export function planWrite(
  sink: RecordSink,
  request: WriteRequest,
  { values }: WriteRecord,
  stored: Stored | null | undefined,
): Plan {
  const { operation } = request;
  if (operation !== "insert" && !hasKey(sink, values)) {
    const field =
      sink.key.find((name) => values[name] === undefined || values[name] === null || values[name] === "") ??
      sink.key[0];
    return rejected(
      "key-missing",
      `"${field}" identifies the record in sink "${sink.name}" and is empty here. Map it, or give the record a value.`,
      field,
    );
  }
  const identity = sink.identify(values, stored ?? undefined);
  if (operation === "delete") {
    if (!sink.remove)
      return rejected("not-supported", `Sink "${sink.name}" has no delete. Describe one in the connection's settings.`);
    if (stored === null) return { do: "nothing", outcome: { outcome: "unchanged" } };
    return { do: "delete", identity, before: stored?.record ?? null, after: null, stored: stored ?? null };
  }
  const creates = operation === "insert" || (operation === "upsert" && !stored);
  const problem = sink.problem?.(values, creates ? "create" : "update");
  if (problem) return nothing(problem);
  if (operation === "update" && stored === null)
    return rejected(
      "record-not-found",
      `Sink "${sink.name}" has no record with ${JSON.stringify(pick(values, sink.key))} to update. Use "upsert" to create it.`,
      sink.key[0],
    );
  if (creates && !stored) return { do: "create", identity, before: null, after: values, stored: null };
  if (!stored) return { do: "update", identity, before: null, after: values, stored: null };
  const changed = Object.keys(values).filter((name) => !sameValue(values[name], stored.record[name]));
  if (changed.length === 0) return { do: "nothing", outcome: { outcome: "unchanged" } };
  if (operation === "insert")
    return rejected(
      "already-exists",
      `Sink "${sink.name}" already has a record with ${JSON.stringify(pick(values, sink.key))}, with another "${changed[0]}". Use "upsert" to change it.`,
      sink.key[0],
    );
  if (!sink.update)
    return rejected(
      "not-supported",
      `Sink "${sink.name}" already has this record and has no update. Describe one in the connection's settings.`,
    );
  return { do: "update", identity, before: pick(stored.record, changed), after: pick(values, changed), stored };
}

/** What the system holds after a plan was carried out. */
export function afterPlan(plan: Plan, before: Stored | null | undefined): Stored | null | undefined {
  if (plan.do === "nothing") return before;
  if (plan.do === "delete") return null;
  return { ...before, record: { ...before?.record, ...plan.after } };
}

/** Writes one page. Outcomes stand in the order of the records; throws only before anything was sent. */
export async function writeRecords(
  sink: RecordSink,
  request: WriteRequest,
  hooks: WriteHooks,
): Promise<WriteOutcome[]> {
  assertMatch(sink, request);
  const { records, signal } = request;
  const outcomes = new Array<WriteOutcome | undefined>(records.length);
  const plans = new Array<Plan>(records.length);
  const known = new Map<string, Stored | null>();
  const indexes = records.map((_, index) => index);
  const laneOf = (index: number) => {
    const { key, values } = records[index]!;
    return hasKey(sink, values) ? JSON.stringify(pick(values, sink.key)) : `record ${key}`;
  };
  let stop: FailureInfo | undefined;
  const fail = (error: unknown): WriteOutcome => {
    const failure = failureOf(error);
    if (endsPage(failure)) stop ??= failure;
    return failed(failure);
  };

  await inLanes(indexes, laneOf, sink.concurrency, async (index) => {
    signal.throwIfAborted();
    const record = records[index]!;
    try {
      let stored = known.get(laneOf(index));
      if (stored === undefined && needsRead(sink, request.operation, record.values)) {
        if (stop) throw notSent(stop);
        stored = await sink.read!(sink.identify(record.values), signal);
      }
      const plan = planWrite(sink, request, record, stored);
      plans[index] = plan;
      if (plan.do === "nothing") outcomes[index] = plan.outcome;
      const held = afterPlan(plan, stored);
      if (held !== undefined) known.set(laneOf(index), held);
    } catch (error) {
      signal.throwIfAborted();
      outcomes[index] = fail(error);
    }
  });

  const open = indexes.filter((index) => outcomes[index] === undefined);
  if (open.length === 0) return outcomes as WriteOutcome[];
  const blind = new Set(open.filter((index) => cannotTell(sink, plans[index]!, records[index]!.values)));
  if (!stop) {
    const entries = open.filter((index) => !blind.has(index)).map((index) => entryOf(index, plans[index]!));
    if (entries.length > 0) await hooks.enter(entries);
  }
  const broken = new Map<string, FailureInfo>();
  await inLanes(open, laneOf, sink.concurrency, async (index) => {
    const before = broken.get(laneOf(index));
    if (stop || signal.aborted || before) {
      outcomes[index] = failed(failureOf(notSent(stop ?? before ?? stopped)));
      return;
    }
    try {
      if (blind.has(index)) await hooks.enter([entryOf(index, plans[index]!)]);
    } catch (error) {
      stop ??= failureOf(error); // others are under way, so their outcomes must not get lost
      outcomes[index] = failed(failureOf(error));
      return;
    }
    try {
      outcomes[index] = await sendPlan(sink, request, index, plans[index]!, hooks);
    } catch (error) {
      outcomes[index] = fail(error);
    }
    const outcome = outcomes[index]!;
    // The next change of the same record was planned on this one; it may only follow when this one landed.
    if (outcome.outcome === "failed" || outcome.outcome === "unknown") broken.set(laneOf(index), outcome.failure);
  });
  return outcomes as WriteOutcome[];
}

/**
 * After a crash nobody could tell whether this create arrived. Such records are entered one by one, each just before it is
 * sent: then only what was really under way ends up with a person.
 */
function cannotTell(sink: RecordSink, plan: Plan, values: JsonRecord): boolean {
  return plan.do === "create" && !sink.idempotencyKeys && !(sink.read && hasKey(sink, values));
}

const stopped: FailureInfo = { kind: "transient", code: "stopped", message: "The run was stopped." };

/** The failure of a record that was held back because of another one's failure. */
function notSent(failure: FailureInfo): IntegrationError {
  const kind = failure.kind === "rejected" ? "transient" : failure.kind;
  const retry = failure.retryAfterMs === undefined ? undefined : { afterMs: failure.retryAfterMs };
  const message = failure.message.startsWith("Not sent")
    ? failure.message
    : `Not sent, because of an earlier answer: ${failure.message}`;
  return new IntegrationError(message, { kind, code: failure.code, retry });
}

export function entryOf(index: number, plan: Plan): LedgerEntry {
  if (plan.do === "nothing") throw new Error("A record without a change has no ledger entry");
  const entry: LedgerEntry = {
    index,
    operation: plan.do,
    identity: plan.identity,
    before: plan.before,
    after: plan.after,
  };
  if (plan.stored?.remoteId !== undefined) entry.remoteId = plan.stored.remoteId;
  return entry;
}

async function sendPlan(
  sink: RecordSink,
  request: WriteRequest,
  index: number,
  plan: Plan,
  hooks: WriteHooks,
): Promise<WriteOutcome> {
  if (plan.do === "nothing") return plan.outcome;
  const { values, idempotencyKey } = request.records[index]!;
  const context = { idempotencyKey, signal: request.signal };
  try {
    return await perform(sink, plan, values, context);
  } catch (error) {
    const failure = failureOf(error);
    if (mayHaveLanded(failure)) return settleLost(sink, plan, values, context, failure);
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

/** The answer was lost: looks whether the change landed; repeats a create only where the idempotency key makes that safe. */
async function settleLost(
  sink: RecordSink,
  plan: Exclude<Plan, { do: "nothing" }>,
  values: JsonRecord,
  context: SendContext,
  lost: FailureInfo,
): Promise<WriteOutcome> {
  for (let attempt = 0; plan.do === "create" && sink.idempotencyKeys && !context.signal.aborted; attempt++) {
    try {
      return await perform(sink, plan, values, context);
    } catch (error) {
      const failure = failureOf(error);
      if (mayHaveLanded(failure) && attempt < 2) continue;
      // Any answer but "lost" is about the same key, so it says what became of it: nothing was created twice. Without
      // looking, a later try would find our own record and take it for somebody else's.
      return sink.read ? lookUp(sink, plan, values, context, lost) : failed(failure);
    }
  }
  if (sink.read && hasKey(sink, { ...values, ...plan.identity }) && !context.signal.aborted)
    return lookUp(sink, plan, values, context, lost);
  // Setting the same values or deleting the same record again does no harm; creating again would.
  return plan.do === "create" ? { outcome: "unknown", failure: lost } : failed(lost);
}

async function lookUp(
  sink: RecordSink,
  plan: Exclude<Plan, { do: "nothing" }>,
  values: JsonRecord,
  { signal }: SendContext,
  lost: FailureInfo,
): Promise<WriteOutcome> {
  let stored: Stored | null | undefined;
  for (let attempt = 0; stored === undefined && attempt < 4; attempt++) {
    if (attempt > 0) await new Promise((done) => setTimeout(done, 50 * 4 ** (attempt - 1)));
    if (signal.aborted) break;
    stored = await sink.read!(plan.identity, signal).catch(() => undefined);
  }
  if (stored === undefined) return plan.do === "create" ? { outcome: "unknown", failure: lost } : failed(lost);
  if (plan.do === "delete") return stored === null ? { outcome: "deleted", identity: plan.identity } : failed(lost);
  const wanted = plan.after ?? values;
  if (stored === null) return failed(lost);
  if (plan.do === "update" && !Object.keys(wanted).every((name) => sameValue(wanted[name], stored.record[name])))
    return failed(lost);
  return {
    outcome: plan.do === "create" ? "created" : "updated",
    identity: sink.identify(values, stored),
    after: asStored(wanted, stored.record),
    ...(stored.remoteId === undefined ? {} : { remoteId: stored.remoteId }),
  };
}
