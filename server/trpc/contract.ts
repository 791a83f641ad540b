/**
 * What the screens get from the server, as plain types. The routers return exactly these; components import them as
 * types only. Times are ISO text in UTC; ids and run numbers are text; counts are numbers.
 *
 * Routers and procedures (input → output), with the least role that may call them:
 *   session.me                viewer    {} → Me                         (null when signed out: publicProcedure)
 *   session.setup             public    {} → { needsFirstAccount: boolean, sample: boolean }   (sample: a new workspace gets the sample company)
 *   session.account           viewer    {} → OwnAccount
 *   session.renameMyself      viewer    { name } → { ok: true }
 *   session.createFirstAccount public   { name, email, password, company? } → { ok: true }  (signs in by cookie; refuses when an account exists)
 *   session.acceptInvitation  public    { token, name, password } → { ok: true }
 *   home.summary              viewer    {} → HomeSummary
 *   flows.list                viewer    {} → FlowSummary[]
 *   flows.get                 viewer    { flowId } → FlowDetail
 *   flows.events              viewer    { flowId } → EventWorld          (address, learnt fields, flows that listen to topics)
 *   flows.create              builder   { document } → { id }
 *   flows.saveDraft           builder   { flowId, document, revision } → { revision, problems, notes, shapes }   (StaleDraft → CONFLICT)
 *   flows.validate            viewer    { document, flowId? } → Validation       (nothing stored)
 *   flows.publish             builder   { flowId, revision, note } → { version, hook? }
 *   flows.pause / resume      operator  { flowId } → { paused }
 *   flows.remove              admin     { flowId } → { ok: true }
 *   flows.versions            viewer    { flowId } → VersionSummary[]
 *   flows.version             viewer    { flowId, version } → { document, changes: string[] }
 *   flows.restoreVersion      builder   { flowId, version } → { revision }      (into the draft)
 *   flows.preview             viewer    { document, stepId, limit?, flowId? } → PreviewAt[]   (sample rows read from the real source, put through the steps; writes nothing)
 *   flows.stepKinds           viewer    {} → the step registry as plain data (kind, role, title, summary, icon, tint, ports)
 *   deliveries.list           viewer    { flowId, cursor?, limit? } → { items: DeliveryItem[], next }   (what was sent to a flow's webhook)
 *   deliveries.replay         operator  { id } → { id }                 (number of the new delivery and its run)
 *   deliveries.secret         builder   { flowId } → { set, since }     (the signing secret itself is never sent again)
 *   deliveries.setSecret      builder   { flowId, secret? } → { secret, earlierUntil }   (absent: a new one is made)
 *   connections.list          viewer    {} → ConnectionSummary[]
 *   connections.get           viewer    { id } → ConnectionDetail       (never credentials; only which are set)
 *   connections.connectors    viewer    {} → ConnectorInfo[]
 *   connections.create        builder   { name, connector, settings, credentials } → { id }
 *   connections.update        builder   { id, name?, settings?, credentials? } → { ok }   (absent secret fields stay)
 *   connections.remove        admin     { id } → { ok }                  (refused while a flow uses it: names them)
 *   connections.check         builder   { id } → { ok, message? }
 *   connections.tryNow        operator  { id } → { ok, message? }        (asks a system that is down at once; its runs go on)
 *   connections.offers        viewer    { id, refresh? } → { streams: StreamInfo[], sinks: SinkInfo[] }   (asks the system once)
 *   connections.browse        builder   { id, stream, limit? } → { records }
 *   runs.list                 viewer    { flowId?, state?, kind?, cursor?, limit? } → { items: RunSummary[], next }
 *   runs.get                  viewer    { runId } → RunDetail
 *   runs.changes              viewer    { runId, cursor?, limit?, operation?, search? } → { items: ChangeItem[], next }
 *   runs.letters              viewer    { runId, cursor?, limit? } → { items: DeadLetterItem[], next }   (also those a dry run foresees)
 *   runs.start                builder   { flowId, mode, limit?, backfill? } → { id }
 *   runs.cancel               operator  { runId } → { ok }
 *   runs.undo                 operator  { runId, preview?, records?, onConflict } → { id }
 *   runs.undoSince            operator  { flowId, since, preview?, records?, onConflict } → { id }   (all runs of the flow since a moment)
 *   runs.live (subscription)  viewer    {} → LiveEvent                   (one multiplexed stream per tab)
 *   letters.list              viewer    { flowId?, groupId?, state?, search?, cursor?, limit? } → { items: DeadLetterItem[], next }
 *   letters.groups            viewer    { flowId? } → DeadLetterGroup[]
 *   letters.get               viewer    { id } → DeadLetterItem & { source, history: JourneyItem[] }
 *   letters.replay            operator  { ids?, groupId?, patch?, from?, version? } → { id }
 *   letters.dismiss           operator  { ids?, groupId?, note } → { dismissed: number }
 *   approvals.list            viewer    { flowId?, state?, cursor?, limit? } → { items: ApprovalItem[], next }
 *   approvals.mine            viewer    {} → { count }                  (open ones the person may answer)
 *   approvals.answer          viewer    { ids, decision, note? } → { answered }   (who may is said by the step)
 *   topics.list / subscriptions / deliveries / subscribe / changeSubscription / unsubscribe / retrySubscription   viewer; admin but for list
 *   records.journey           viewer    { key } → JourneyItem[]
 *   search.all                viewer    { text } → SearchHit[]          (⌘K: flows, connections, runs, record keys)
 *   settings.people / invite / changeRole / removePerson / tokens / createToken / removeToken / audit / workspace / renameWorkspace / retention / setRetention   admin (audit: admin)
 */
import type { Field, JsonRecord, StreamInfo } from "../../connectors/sdk/types.ts";
import type { RunState } from "../../engine/run/states.ts";
import type { Outcome, Problem, Shape } from "../../engine/steps/define-step.ts";

export type Role = "viewer" | "builder" | "operator" | "admin" | "owner";

export type Me = {
  user: { id: string; name: string; email: string };
  workspace: { id: string; name: string };
  role: Role;
} | null;

/** `otherDevices`: where else this person is signed in. */
export type OwnAccount = { name: string; email: string; otherDevices: number };

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
  /** why it waits, as a sentence, and until when */
  waiting: { reason: string; until: string | null; connectionId?: string } | null;
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
};

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
};

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
};

export type DeadLetterGroup = {
  id: string;
  count: number;
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

export type FlowHealth = "ok" | "running" | "attention" | "waiting" | "paused" | "draft";

export type FlowSummary = {
  id: string;
  name: string;
  health: FlowHealth;
  /** one sentence: why this health */
  healthText: string;
  liveVersion: number | null;
  draftChanged: boolean;
  paused: boolean;
  timing: string;
  connections: string[];
  nextRunAt: string | null;
  lastRun: RunSummary | null;
  openLetters: number;
  updatedAt: string;
};

export type Note = { step: string; message: string };
export type Validation = {
  problems: Problem[];
  notes: Note[];
  shapes: { [stepId: string]: { input: Shape; output: { [port: string]: Shape } } };
};

export type Watching = { live: boolean | null; note: string | null };

export type FlowDetail = {
  id: string;
  name: string;
  document: unknown;
  revision: number;
  validation: Validation;
  live: { version: number; publishedAt: string; publishedBy: string; note: string } | null;
  changes: string[];
  paused: boolean;
  /** why it stopped by itself */
  pausedReason: string | null;
  hook: string | null;
  /** of a flow that follows changes: whether they are recorded (null: not known yet), else why not */
  watching: Watching | null;
  nextRunAt: string | null;
  lastRun: RunSummary | null;
};

export type VersionSummary = {
  version: number;
  note: string;
  publishedAt: string;
  publishedBy: string;
  changes: string[];
};

/** What leaves a step for one sample record: the record before it, and after it or why it ended. */
export type PreviewAt = {
  key: string;
  before: JsonRecord;
  after: JsonRecord | null;
  port?: string;
  ended?: { outcome: string; field?: string; message?: string };
};

export type ConnectionState = "unchecked" | "ok" | "refused" | "unreachable";

/** A system that is down: since when, what waits for it, and when it is asked again. */
export type Outage = {
  connectionId: string;
  connectionName: string;
  since: string;
  reason: string | null;
  waitingRuns: number;
  waitingRecords: number;
  nextTryAt: string | null;
};

export type ConnectionSummary = {
  id: string;
  name: string;
  connector: string;
  connectorTitle: string;
  state: ConnectionState;
  stateMessage: string | null;
  checkedAt: string | null;
  /** names of flows that use it */
  usedBy: { id: string; name: string }[];
  /** while it is down */
  outage: Outage | null;
};

export type ConnectionDetail = ConnectionSummary & { settings: unknown; credentialsSet: string[] };

export type ConnectorInfo = {
  id: string;
  title: string;
  summary: string;
  mark: { letters: string; tint: string };
  /** JSON Schemas (draft 2020-12) from which the form is drawn */
  settings: unknown;
  credentials: unknown;
};

export type HomeSummary = {
  flows: FlowSummary[];
  lastRuns: RunSummary[];
  attention: {
    kind: "letters" | "connection" | "run" | "flow";
    title: string;
    detail: string;
    href: string;
    count?: number;
    outage?: Outage;
  }[];
  today: { runs: number; written: number; failed: number };
  workersAlive: number;
  sample: SampleState;
};

/** `why`: there is no sample company, for the person; null when there was one, or nobody wants one. */
export type SampleState = { state: "here" } | { state: "coming" } | { state: "none"; why: string | null };

/** One event of the live stream. Small: ids and counters; the screen refetches what it needs. */
export type LiveEvent =
  | {
      type: "run";
      runId: string;
      flowId: string;
      state: RunState;
      counts: Counts & Partial<UndoCounts>;
      steps?: RunStepCounts[];
    }
  | { type: "letters"; flowId: string | null }
  | { type: "approvals"; flowId: string }
  | { type: "connection"; connectionId: string }
  | { type: "flow"; flowId: string };

export type SearchHit = {
  kind: "flow" | "connection" | "run" | "record" | "page";
  title: string;
  detail: string;
  href: string;
};

export type Person = { userId: string; name: string; email: string; role: Role; since: string };
export type PendingInvitation = { id: string; email: string; role: Role; expiresAt: string };
export type ApiTokenItem = {
  id: string;
  name: string;
  role: Role;
  hint: string;
  createdBy: string;
  createdAt: string;
  lastUsedAt: string | null;
};
export type AuditItem = {
  id: string;
  at: string;
  actor: string;
  action: string;
  subject: string | null;
  detail: unknown;
};

export type { Field, Problem, Shape, StreamInfo };
