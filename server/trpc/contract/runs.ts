/** Runs and what became of their records, as the screens get them. */
import type { Json, JsonRecord } from "../../../connectors/sdk/types.ts";
import type { RunState } from "../../../engine/run/states.ts";
import type { Outcome } from "../../../engine/steps/define-step.ts";

export type Counts = {
  read: number;
  created: number;
  updated: number;
  deleted: number;
  unchanged: number;
  filtered: number;
  duplicate: number;
  dead: number;
  held: number;
};

export type UndoCounts = { read: number; restored: number; conflict: number; failed: number };

/** An event as it was sent to a flow's address. Its number is that of its run. */
export type DeliveryItem = {
  id: string;
  runId: string;
  at: string;
  eventId: string;
  /** state of its run; queued while it waits to be worked on */
  status: RunState;
  /** the least good outcome of what it brought; null until it has been worked on */
  outcome: Outcome | null;
  contentType: string;
  headers: { [name: string]: string };
  /** as it came, up to 20,000 characters */
  body: string;
  bodyBytes: number;
  shortened: boolean;
  repeats: number;
  lastRepeatAt: string | null;
  replayOf: string | null;
  /** webhook, or the person who sent it again */
  sentBy: string;
};

export type RunKind = "flow" | "undo" | "replay";

export type RunMode = "live" | "dry";

export type RunError = { code: string; message: string; step?: string };

export type RunSummary = {
  id: string;
  flowId: string;
  flowName: string;
  version: number | null;
  kind: RunKind;
  mode: RunMode;
  state: RunState;
  trigger: string;
  startedBy: string;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  counts: Counts;
  undoCounts: UndoCounts;
  /** why it waits, as a sentence, and until when; `flowStopped`: until somebody resumes the flow */
  waiting: { reason: string; until: string | null; connectionId?: string; flowStopped?: true } | null;
  error: RunError | null;
  parentId: string | null;
  /** of an undo of all runs since a moment: that moment */
  since: string | null;
};

/** in + made = out + joined + ended here. `made`: by a split; `joined`: parts that a collect put into another. */
export type RunStepCounts = {
  id: string;
  in: number;
  made?: number;
  out: number;
  joined?: number;
  ports: { [port: string]: number };
} & Omit<Counts, "read">;

export type RunDetail = RunSummary & {
  steps: RunStepCounts[];
  /** the document the run runs */
  document: unknown;
  /** read = sum of outcomes */
  balanced: boolean;
  /** letters of this run by reason */
  letterGroups: DeadLetterGroup[];
  /** undo runs of this run, replays of its letters */
  related: RunSummary[];
  undo: { possible: number; done: number; conflict: number; notPossible: number };
  /** of what a run that has ended held back: what still waits, and for what */
  holding: Holding;
  /** of a backfill: the range of the watermark it reads (`from` itself is left out); null: it goes on from where the flow stands */
  range: { from?: string | number; until?: string | number } | null;
  /** the flow it belongs to is there no more */
  flowRemoved: boolean;
};

/** Records of a run that wait: behind one of their own key, for a person, or until a time. `cancelled`: wait no more, and go nowhere. */
export type Holding = { parked: number; approvals: number; waits: number; nextAt: string | null; cancelled: number };

export type ChangeItem = {
  id: string;
  key: string;
  step: string;
  connection: string;
  sink: string;
  operation: "create" | "update" | "delete";
  before: JsonRecord | null;
  after: JsonRecord | null;
  undo: "possible" | "done" | "conflict" | "not possible";
  at: string;
  /** of an undo: why it left the record as it is or, of one that would go back, that nothing could be compared; `before` is then what is there now, `after` what it would be put back to */
  refusal?: { message: string; fields: RefusedField[] };
};

/** A field that somebody changed. What is missing was not known, or there is no record. */
export type RefusedField = { field: string; wrote?: Json; now?: Json; old?: Json };

export type DeadLetterItem = {
  id: string;
  group: string;
  flow: string;
  flowName: string;
  run: string;
  step: string;
  stepTitle: string;
  field?: string;
  key: string;
  code: string;
  reason: string;
  data: JsonRecord;
  state: "open" | "replaying" | "resolved" | "dismissed" | "foreseen";
  attempts: number;
  /** records of the same key that wait behind it (order: by-key) */
  parked: number;
  at: string;
  /** when it failed first; `at` is the newest time */
  firstSeen: string;
  /** runs before `run` that read the same record and failed with it */
  earlierRuns: number;
  /** a later run of the flow wrote a record of this key: replaying would put what is older in its place */
  newer?: { run: string; at: string };
  /** the run that read the record again and had another outcome for it */
  settledBy?: string;
};

export type DeadLetterGroup = {
  id: string;
  count: number;
  code: string;
  reason: string;
  step: string;
  field?: string;
  flows: { id: string; name: string }[];
  firstSeen: string;
  lastSeen: string;
};

export type JourneyItem = {
  at: string;
  flow: string;
  flowName: string;
  run: string;
  step: string;
  event: string;
  before?: JsonRecord | null;
  after?: JsonRecord | null;
  outcome: string;
  /** of a failure: what was expected and found; of a dismissal: the note that was left */
  reason?: string;
};
