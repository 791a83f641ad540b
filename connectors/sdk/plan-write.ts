/** What one record needs at a system that takes one record per request: judged by what it asks for and what is stored there. */
import { type FailureInfo, IntegrationError, quote } from "./errors.ts";
import { sameValue } from "./json.ts";
import type { JsonRecord } from "./types.ts";
import type { LedgerEntry, WriteOutcome, WriteRecord, WriteRequest } from "./writing.ts";

/** A record as the system holds it. */
export type Stored = { record: JsonRecord; remoteId?: string };
/** What a create or an update answered: the record as stored, when the answer holds it. */
export type Saved = { record?: JsonRecord; remoteId?: string };
export type Target = { identity: JsonRecord; current: JsonRecord | null; remoteId?: string };
/** `halt`: see WriteRequest */
export type SendContext = { idempotencyKey: string; signal: AbortSignal; halt?: AbortSignal | undefined };

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

export const failed = (failure: FailureInfo): Extract<WriteOutcome, { outcome: "failed" }> => ({
  outcome: "failed",
  failure,
});
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
