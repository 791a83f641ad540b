/**
 * What a run needs from outside. `server/db` keeps these promises with PostgreSQL; engine tests keep them in memory.
 * Every method that changes something is fenced: it throws LeaseLost when another attempt holds the run.
 */
import { type FailureInfo, IntegrationError } from "../connectors/sdk/errors.ts";
import type { ConnectorSession, Json, JsonRecord, SinkInfo } from "../connectors/sdk/types.ts";
import type { LedgerEntry } from "../connectors/sdk/writing.ts";
import type { HeldPart, Outcome, Published } from "./steps/define-step.ts";

/** Another attempt holds this run; whoever gets this stops at once and writes nothing more. */
export class LeaseLost extends Error {
  constructor(runId: string) {
    super(`Run ${runId} is held by another attempt.`);
    this.name = "LeaseLost";
  }
}

/**
 * A person cancelled runs of a batch of events since it was claimed: nothing more of it is sent under this claim. What is
 * known of what was sent is kept, and the events that are left are claimed again.
 */
export class RunsCancelled extends LeaseLost {
  constructor(flowId: string) {
    super(flowId);
    this.name = "RunsCancelled";
    this.message = `Runs of events of flow ${flowId} were cancelled.`;
  }
}

/** A failure, and the name of the connection it belongs to. */
export class ConnectionFailed extends IntegrationError {
  readonly connection: string;

  constructor(connection: string, { message, kind, code, actor, retry, field, cause }: IntegrationError) {
    super(message, { kind, code, actor, retry, ...(field === undefined ? {} : { field }), cause });
    this.connection = connection;
  }
}

export type OutcomeCounts = { [O in Outcome]: number };
export type RunCounts = { read: number } & OutcomeCounts;
/** counters of an undo run, beside `read` */
export type UndoCounts = { restored: number; conflict: number; failed: number };
/** `made`: parts that came into being here (split); `joined`: parts that went into another one (collect). */
export type StepCounts = {
  in: number;
  made: number;
  out: number;
  joined: number;
  ports: { [port: string]: number };
} & OutcomeCounts;

/** A failed part of a record, as it becomes (or updates) a dead letter. */
export type LetterDraft = {
  step: string;
  key: string;
  /** index of the record in its page; absent for what the trigger could not read */
  origin?: number;
  failure: FailureInfo;
  data: JsonRecord;
  source: JsonRecord;
  /** the letter that a replay gave another try */
  letterId?: string;
  /** what tells the source's record from others: an open letter of the same step and key with just this is of the same record */
  same?: TellingPart;
};

/** Fields of a record of a source that no other one has; `whole`: it has no key, and these are all of its fields. */
export type TellingPart = { fields: JsonRecord; whole: boolean };

/** A record of the source that was read again. */
export type SeenAgain = { key: string; same: TellingPart };

/** A record that waits behind an earlier one of its key. `origin`: its index in the page. */
export type ParkedRecord = { key: string; origin: number; source: JsonRecord };

/** Keys that ended at a step without a write, or went into a group there, for the journey of a record. */
export type OutcomeKeys = { step: string; outcome: Outcome | "joined" | "published"; keys: string[] };

/** A part kept by a step (wait, approve), with what it takes to let it go on. `source`: the record as the trigger read it. */
export type HeldDraft = Omit<HeldPart, "record"> & { step: string; key: string; data: JsonRecord; source: JsonRecord };

/** An event for the flows and subscribers of a topic. `id` is the same whenever the same record publishes it again. */
export type PublishedEvent = Published & { step: string; id: string };

/** A part that waits for its group. `ref` tells the records of a run apart, `seq` is the order of arrival. */
export type CollectedItem = { step: string; key: string; seq: number; ref: number; record: JsonRecord };

/**
 * A record with parts in groups: how many, and the rank (OUTCOMES) of the least good outcome of its other parts. It counts as held
 * until its groups are settled. `group`: it is itself the record of a group that went into another one, and does not count.
 */
export type WaitingRecord = { ref: number; parts: number; rank: number; group?: GroupName };
export type GroupName = { step: string; key: string };

/** What a page did to the groups of a run; the store settles the records of a group with the group's own outcome. */
export type CollectChanges = {
  items: CollectedItem[];
  waiting: WaitingRecord[];
  settled: (GroupName & { rank: number })[];
};

/** A write about to be sent, with what the ledger knows beyond the connector's entry. */
export type LedgerDraft = Omit<LedgerEntry, "index"> & {
  key: string;
  sourceKey: string | null;
  idempotencyKey: string;
  undo: "possible" | "not possible";
  /** undo runs: the ledger row that is put back */
  undoes?: string;
  /** index, in the page, of the record it comes from; a batch of events finds its run by it */
  origin?: number;
};

/** The run of a ledger row and the moment it was entered, as ISO text. */
export type LedgerPlace = { run: string; at: string };

/** Where a write call's entries are kept: one call of the connector's `write` may enter several parts. */
export type PartAddress = { step: string; connection: string; sink: string; page: number; part: number };

/** Corrections after the answer: what did not land, what the target calls the record. */
export type LedgerFix = PartAddress & {
  key: string;
  landed: boolean;
  unknown?: boolean;
  remoteId?: string;
  identity?: JsonRecord;
  after?: JsonRecord;
};

/** A ledger row of this run from a page that was not checkpointed, as a later attempt finds it. */
export type OpenEntry = LedgerDraft & { address: PartAddress; state: "sending" | "done" };

/** What follows a checkpoint, in the same transaction. */
export type AfterCheckpoint =
  | { kind: "continue" }
  /** enqueue the continuation */
  | { kind: "yield" }
  /** the end of a stretch; with the last one the run ends, by what all of them counted */
  | { kind: "done" }
  | { kind: "finish"; state: "succeeded" | "succeeded_with_errors" | "failed" | "cancelled"; error?: RunFailure };

export type RunFailure = { code: string; message: string; step?: string };

export type Checkpoint = {
  page: number;
  cursor: Json;
  /** newest watermark that is now fully processed; absent = unchanged */
  watermark?: { step: string; value: Json };
  /** added to the run's and the steps' counters */
  counts: Partial<RunCounts & UndoCounts>;
  steps: { [step: string]: StepCounts };
  letters: LetterDraft[];
  /** letters a replay settled */
  resolvedLetters: string[];
  /** records with open letters of earlier runs, all of whose parts have an outcome now: letters this run left alone are settled */
  seenAgain?: SeenAgain[];
  outcomes: OutcomeKeys[];
  remembered: { step: string; scope: "run" | "forever"; keys: string[] }[];
  fixes: LedgerFix[];
  /** order by-key: records that wait behind an earlier one of their key */
  parked?: ParkedRecord[];
  /** parked records that had their turn, by id */
  released?: string[];
  /** parts kept by steps, to go on later */
  held?: HeldDraft[];
  /** kept parts that went on in this run, by id */
  continued?: string[];
  /** events to be handed on, in the checkpoint's transaction */
  published?: PublishedEvent[];
  /** collect over a run */
  groups?: CollectChanges;
  /** ledger rows an undo run has dealt with; `of`: where they stand, when not in the run it undoes */
  undone: { id: string; undo: "done" | "conflict"; of?: LedgerPlace }[];
  after: AfterCheckpoint;
};

/** What a checkpoint tells back: a person's wish, and the counters so far. */
export type CheckpointReply = {
  /** halt: another stretch of the run has to wait or has failed, and the run with it */
  stop: "cancel" | "pause" | "halt" | null;
  /** collect: what the counters changed by because groups were settled */
  settled?: Partial<RunCounts>;
};

export type RunStore = {
  /** stores the entries durably as being sent; see WriteHooks.enter */
  enter(address: PartAddress, entries: LedgerDraft[], receipt: Json | undefined): Promise<void>;
  /** stores what a dry run foresees */
  foresee(address: PartAddress, entries: LedgerDraft[]): Promise<void>;
  /** dry run: what was foreseen for these keys so far (null = deleted) */
  foreseen(step: string, keys: string[]): Promise<Map<string, JsonRecord | null>>;
  checkpoint(checkpoint: Checkpoint): Promise<CheckpointReply>;
  /**
   * Stops for a while without a worker, and saves what is known of a page half sent.
   */
  wait(wait: RunWait): Promise<void>;
  finish(finish: {
    state: "failed" | "cancelled";
    error?: RunFailure;
    pages?: HalfPage[];
    /** the connection that failed it, to be marked */
    connection?: string;
  }): Promise<void>;
  /** ledger rows of pages after the last checkpoint, with the receipts of those being sent */
  openEntries(): Promise<{ entries: OpenEntry[]; receipts: { address: PartAddress; receipt: Json }[] }>;
  /** says what became of open parts: landed rows stay, absent ones are voided */
  settleParts(parts: { address: PartAddress; landed: boolean }[], fixes: LedgerFix[]): Promise<void>;
  /** gives the run back unfinished (the worker is stopping, or a stretch is to halt); it goes on when it may */
  release(): Promise<void>;
  /**
   * Order by-key: which of these keys have a dead record nobody has settled yet, or, with `orParked`, records that wait
   * behind one.
   */
  blocked(keys: string[], orParked: boolean): Promise<Set<string>>;
  /** collect: parts of a step's groups, in the order of groups and arrival, after this place (null: from the start) */
  collected(step: string, after: { key: string; seq: number } | null, limit: number): Promise<CollectedItem[]>;
  /** dedupe: which keys were let through before this page */
  seen(step: string, scope: "run" | "forever", keys: string[]): Promise<Set<string>>;
};

/** What is known of the entries of a page without a checkpoint, and which of its parts stay open. */
export type HalfPage = { number: number; records: number; fixes: LedgerFix[]; unsettled: number[] };

export type RunWait = {
  reason: WaitReason;
  /** null: until a person or a mended connection resumes it */
  resumeAt: Date | null;
  failure: RunFailure;
  /** name of the connection it waits for */
  connection?: string;
  /** pages half sent, or landed without a checkpoint */
  pages?: HalfPage[];
  /** false for a stop condition or a person's wish: then no attempt is counted */
  counted: boolean;
  /** counters at which a stop condition struck; after resuming it looks only at what comes since */
  stoppedAt?: { read: number; dead: number };
};

export type WaitReason = "retry" | "target" | "flow-busy" | "paused" | "credentials" | "stopped";

/** A connection as a run uses it. */
export type RunConnection = { id: string; session: ConnectorSession; sinks: readonly SinkInfo[] };

/** What writing a batch needs. */
export type WritePorts = Omit<RunPorts, "store" | "connection" | "connectionById"> & {
  store: Pick<RunStore, "enter" | "foresee" | "foreseen"> & Partial<Pick<RunStore, "settleParts">>;
};

/** What settling the writes of a broken attempt needs. */
export type RecoveryPorts = Pick<RunPorts, "connectionById" | "sleep" | "signal"> & {
  store: Pick<RunStore, "openEntries" | "settleParts">;
};

export type RunPorts = {
  store: RunStore;
  /** throws IntegrationError when the connection is unknown or cannot be opened */
  connection(name: string): Promise<RunConnection>;
  connectionById(id: string): Promise<RunConnection>;
  clock(): Date;
  /** waits, or throws when the signal ends it */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** is the system behind this connection down? Then a run waits for it without losing an attempt. */
  isDown(connection: string, failure: FailureInfo): Promise<boolean>;
  /** keeps an unexpected error, with its stack, where we find it */
  report(error: unknown): void;
  /** is this an outage of our own database, after which the run simply goes on? */
  isOutage(error: unknown): boolean;
  /** 0 ≤ x < 1, for jitter */
  random(): number;
  /** ends the attempt at once, whatever is under way */
  signal: AbortSignal;
  /** somebody wants the run to stop: what was sent is waited for, nothing further is sent; absent where nobody can */
  halt?: AbortSignal;
};
