/** How a connector writes a page, foresees what that would do, and puts it back. */
import type { FailureInfo } from "./errors.ts";
import type { Json, JsonRecord, Operation } from "./types.ts";

/** One record to write. `key` identifies it in the ledger; keys are unique within one `write` call. */
export type WriteRecord = { key: string; values: JsonRecord; idempotencyKey: string };

export type WriteRequest = {
  sink: string;
  operation: Operation;
  /** fields that find the existing record; empty only for `insert` */
  match: string[];
  records: WriteRecord[];
  /** ends the call, whatever is under way */
  signal: AbortSignal;
  /** the run is to stop soon: what is under way is finished, nothing further is sent (transient, `stopped`) */
  halt?: AbortSignal;
};

/** A change about to be sent, for the ledger. `index` points into `records`. */
export type LedgerEntry = {
  index: number;
  operation: "create" | "update" | "delete";
  /** fields with values by which the target finds this record again */
  identity: JsonRecord;
  /** update: the old values of the fields that change; delete: the whole record; create: null */
  before: JsonRecord | null;
  /** update: the new values of the fields that change; create: the values written (as stored, when known); delete: null */
  after: JsonRecord | null;
  remoteId?: string;
};

export type WriteHooks = {
  /**
   * Stores the entries durably. Await it before anything can become visible in the target (before a request is sent,
   * before a transaction commits). Throws when this worker no longer owns the run: then send nothing and let it pass.
   * @param receipt lets `settle` find out after a crash whether these entries landed (a transaction id)
   */
  enter(entries: LedgerEntry[], receipt?: Json): Promise<void>;
};

export type WriteOutcome =
  | { outcome: "created" | "updated" | "deleted"; remoteId?: string; identity?: JsonRecord; after?: JsonRecord }
  | { outcome: "unchanged" }
  /**
   * this record failed; `failure.kind` says whether it is the record's fault (rejected) or may pass (transient). `sent`: it was
   * sent before the failure, and may have arrived; sending it again does no harm. `lone`: the system took others of its kind that were
   * sent after it. `notSent`: held back, because of another record's failure
   */
  | { outcome: "failed"; failure: FailureInfo; sent?: true; lone?: true; notSent?: true }
  /** sent, but the answer was lost and cannot be found out here */
  | { outcome: "unknown"; failure: FailureInfo };

/** What a write would do, found out by reading only. */
export type Foreseen =
  | {
      outcome: "created" | "updated" | "deleted";
      identity: JsonRecord;
      before: JsonRecord | null;
      after: JsonRecord | null;
    }
  | { outcome: "unchanged" }
  | { outcome: "failed"; failure: FailureInfo };

export type ForeseeRequest = WriteRequest & {
  /** records this same dry run has already foreseen, by `key`: what the target would hold now; null = deleted */
  assumed?: Map<string, JsonRecord | null>;
};

/** A ledger row to put back. */
export type UndoRecord = {
  key: string;
  operation: "create" | "update" | "delete";
  identity: JsonRecord;
  before: JsonRecord | null;
  after: JsonRecord | null;
  remoteId?: string;
  idempotencyKey: string;
};

export type UndoRequest = {
  sink: string;
  /** keys are unique within one call */
  records: UndoRecord[];
  /** restore even what was changed since */
  force: boolean;
  /** compare only; write nothing */
  preview: boolean;
  signal: AbortSignal;
};

export type UndoOutcome =
  /** `blind`: the target cannot be read, so nobody knows whether somebody changed the record since */
  | { outcome: "restored"; entry: Omit<LedgerEntry, "index"> | null; blind?: true }
  /** `now`: what the target holds instead of `after`; null = the record is gone. `fields`: those somebody changed, where known */
  | { outcome: "conflict"; now: JsonRecord | null; message: string; fields?: string[] }
  | { outcome: "failed"; failure: FailureInfo };
