/** The dry run and the undo of per-record sinks (see record-sink.ts): the same reading and comparing, nothing or the inverse sent. */
import { type FailureInfo, failureOf, IntegrationError } from "./errors.ts";
import { sameValue } from "./json.ts";
import { inLanes } from "./lanes.ts";
import {
  assertMatch,
  entryOf,
  hasKey,
  needsRead,
  type Plan,
  pick,
  planWrite,
  type RecordSink,
  type Stored,
} from "./plan-write.ts";
import { endsPage, mayHaveLanded, perform } from "./record-sink.ts";
import type { JsonRecord } from "./types.ts";
import type {
  Foreseen,
  ForeseeRequest,
  LedgerEntry,
  UndoOutcome,
  UndoRecord,
  UndoRequest,
  WriteHooks,
} from "./writing.ts";

/** What `writeRecords` would do; only reads. */
export async function foreseeRecords(sink: RecordSink, request: ForeseeRequest): Promise<Foreseen[]> {
  assertMatch(sink, request);
  const { records, signal, assumed } = request;
  const foreseen = new Array<Foreseen>(records.length);
  const known = new Map<string, JsonRecord | null>();
  const laneOf = (index: number) => {
    const { key, values } = records[index]!;
    return hasKey(sink, values) ? JSON.stringify(pick(values, sink.key)) : `record ${key}`;
  };
  await inLanes(
    records.map((_, index) => index),
    laneOf,
    sink.concurrency,
    async (index) => {
      signal.throwIfAborted();
      const record = records[index]!;
      try {
        const held = known.has(laneOf(index)) ? known.get(laneOf(index)) : assumed?.get(record.key);
        let stored: Stored | null | undefined =
          held === undefined ? undefined : held === null ? null : { record: held };
        // A dry run may always look, also where a live insert leaves the judgement to the system.
        const looks = needsRead(sink, request.operation, record.values) || (sink.read && hasKey(sink, record.values));
        if (stored === undefined && looks) stored = await sink.read!(sink.identify(record.values), signal);
        const plan = planWrite(sink, request, record, stored);
        if (plan.do === "nothing") foreseen[index] = plan.outcome as Foreseen;
        else {
          const { identity, before, after } = plan;
          foreseen[index] = {
            outcome: plan.do === "create" ? "created" : plan.do === "update" ? "updated" : "deleted",
            identity,
            before,
            after,
          };
          known.set(laneOf(index), plan.do === "delete" ? null : { ...stored?.record, ...after });
        }
      } catch (error) {
        signal.throwIfAborted();
        foreseen[index] = { outcome: "failed", failure: failureOf(error) };
      }
    },
  );
  return foreseen;
}

type Inverse = { plan: Exclude<Plan, { do: "nothing" }>; values: JsonRecord };

/** Puts ledger rows back, or (preview) says what that would do. Outcomes stand in the order of the records. */
export async function undoRecords(sink: RecordSink, request: UndoRequest, hooks: WriteHooks): Promise<UndoOutcome[]> {
  const { records, signal } = request;
  const outcomes = new Array<UndoOutcome | undefined>(records.length);
  const inverses = new Array<Inverse | undefined>(records.length);
  const known = new Map<string, Stored | null>();
  const indexes = records.map((_, index) => index);
  const laneOf = (index: number) => JSON.stringify(records[index]!.identity);
  let stop: FailureInfo | undefined;
  const fail = (error: unknown): UndoOutcome => {
    const failure = failureOf(error);
    if (endsPage(failure)) stop ??= failure;
    return { outcome: "failed", failure };
  };

  await inLanes(indexes, laneOf, sink.concurrency, async (index) => {
    signal.throwIfAborted();
    const record = records[index]!;
    try {
      if (stop) throw held(stop);
      let stored = known.get(laneOf(index));
      if (stored === undefined && sink.read) stored = await sink.read(record.identity, signal);
      const found = inverseOf(sink, record, stored, request.force);
      if ("outcome" in found) outcomes[index] = found;
      else {
        inverses[index] = found;
        const { plan } = found;
        known.set(
          laneOf(index),
          plan.do === "delete" ? null : { ...stored, record: { ...stored?.record, ...plan.after } },
        );
      }
    } catch (error) {
      signal.throwIfAborted();
      outcomes[index] = fail(error);
    }
  });

  const open = indexes.filter((index) => inverses[index] !== undefined && outcomes[index] === undefined);
  if (request.preview)
    for (const index of open)
      outcomes[index] = { ...restored(inverses[index]!.plan), ...(sink.read ? {} : { blind: true }) };
  else if (open.length > 0) {
    if (!stop) await hooks.enter(open.map((index) => entryOf(index, inverses[index]!.plan)));
    await inLanes(open, laneOf, sink.concurrency, async (index) => {
      try {
        if (stop) throw held(stop);
        signal.throwIfAborted();
        outcomes[index] = await sendInverse(sink, inverses[index]!, records[index]!, signal);
      } catch (error) {
        outcomes[index] = fail(error);
      }
    });
  }
  return outcomes as UndoOutcome[];
}

const held = ({ kind, code, message, retryAfterMs }: FailureInfo) =>
  new IntegrationError(message, {
    kind,
    code,
    retry: retryAfterMs === undefined ? undefined : { afterMs: retryAfterMs },
  });

function restored(
  plan: Inverse["plan"],
  remoteId?: string,
  identity?: JsonRecord,
  after?: JsonRecord | null,
): Extract<UndoOutcome, { outcome: "restored" }> {
  const { index: _, ...entry } = entryOf(0, plan);
  const known: Omit<LedgerEntry, "index"> = {
    ...entry,
    identity: identity ?? entry.identity,
    after: after ?? entry.after,
  };
  if (remoteId !== undefined) known.remoteId = remoteId;
  return { outcome: "restored", entry: known };
}

async function sendInverse(
  sink: RecordSink,
  { plan, values }: Inverse,
  record: UndoRecord,
  signal: AbortSignal,
): Promise<UndoOutcome> {
  const context = { idempotencyKey: record.idempotencyKey, signal };
  try {
    const done = await perform(sink, plan, values, context);
    if (done.outcome !== "created") return restored(plan);
    return restored(plan, done.remoteId, done.identity, done.after);
  } catch (error) {
    const failure = failureOf(error);
    if (plan.do === "delete" && failure.code === "record-not-found") return restored(plan); // gone already, as wanted
    if (!mayHaveLanded(failure) || !sink.read) throw error;
    const stored = await sink.read(plan.identity, signal);
    const landed =
      plan.do === "delete"
        ? stored === null
        : stored !== null && differing(plan.after ?? {}, stored.record).length === 0;
    if (landed) return restored(plan, stored?.remoteId);
    throw error;
  }
}

const differing = (wanted: JsonRecord, now: JsonRecord) =>
  Object.keys(wanted).filter((name) => !sameValue(wanted[name], now[name]));

/** The change that puts a ledger row back, or the outcome when there is none to send. */
function inverseOf(
  sink: RecordSink,
  record: UndoRecord,
  stored: Stored | null | undefined,
  force: boolean,
): Inverse | UndoOutcome {
  const { operation, identity, before, after, remoteId } = record;
  const known: Stored | null =
    stored === undefined ? (remoteId === undefined ? null : { record: {}, remoteId }) : stored;
  if (operation === "create") {
    if (stored === null) return { outcome: "restored", entry: null };
    if (!sink.remove) return cannot(sink, "delete", "what a run created cannot be taken away again");
    const changed = stored ? differing(after ?? {}, stored.record) : [];
    if (changed.length > 0 && !force) return conflict(changed, after ?? {}, stored!.record);
    return {
      plan: { do: "delete", identity, before: stored?.record ?? after, after: null, stored: known },
      values: identity,
    };
  }
  if (operation === "update") {
    if (!sink.update || !before || stored === undefined)
      return cannot(sink, stored === undefined ? "read" : "update", "the old values cannot be put back");
    if (stored === null)
      return {
        outcome: "conflict",
        now: null,
        message: "The record was deleted since; its old values have nowhere to go.",
      };
    if (differing(before, stored.record).length === 0) return { outcome: "restored", entry: null };
    const changed = differing(after ?? {}, stored.record);
    if (changed.length > 0 && !force) return conflict(changed, after ?? {}, stored.record);
    const plan: Inverse["plan"] = {
      do: "update",
      identity,
      before: pick(stored.record, Object.keys(before)),
      after: before,
      stored,
    };
    return { plan, values: { ...stored.record, ...before } }; // whole, for systems whose update replaces the record
  }
  if (!before) return cannot(sink, "read", "what was deleted is not known");
  if (!stored) return { plan: { do: "create", identity, before: null, after: before, stored: null }, values: before };
  const changed = differing(before, stored.record);
  if (changed.length === 0) return { outcome: "restored", entry: null };
  if (!force)
    return {
      outcome: "conflict",
      now: stored.record,
      message: `The deleted record exists again, with another "${changed[0]}".`,
      fields: changed,
    };
  if (!sink.update) return cannot(sink, "update", "the record that took its place cannot be changed");
  return {
    plan: { do: "update", identity, before: pick(stored.record, changed), after: pick(before, changed), stored },
    values: { ...stored.record, ...before },
  };
}

function conflict(changed: string[], after: JsonRecord, now: JsonRecord): UndoOutcome {
  const names = changed.map((name) => `"${name}"`).join(", ");
  return {
    outcome: "conflict",
    now: pick(now, Object.keys(after)),
    message: `Changed since by someone else: ${names}.`,
    fields: changed,
  };
}

function cannot(sink: RecordSink, action: string, consequence: string): UndoOutcome {
  const message = `Sink "${sink.name}" has no "${action}" request, so ${consequence}. Describe one in the connection's settings.`;
  return { outcome: "failed", failure: new IntegrationError(message, { kind: "settings", code: "not-undoable" }).info };
}
