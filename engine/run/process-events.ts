/**
 * Works on a batch of events as one page: each event is a run of its own, with its own counters, ledger rows and dead
 * letters, yet they are read, transformed and written together.
 */
import { type FailureInfo, failureOf, IntegrationError } from "../../connectors/sdk/errors.ts";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { Plan } from "../flow/compile.ts";
import type {
  HeldDraft,
  LedgerFix,
  LetterDraft,
  OutcomeCounts,
  ParkedRecord,
  PublishedEvent,
  RunPorts,
  RunStore,
  WritePorts,
} from "../ports.ts";
import { OUTCOMES, type Outcome, type StepContext } from "../steps/define-step.ts";
import { imbalance, noOutcomes } from "./counts.ts";
import { RecordFinder } from "./find-records.ts";
import { landInOrder, orderKeys } from "./key-order.ts";
import { PageInterrupted, type PageWork, type SourcePage } from "./page.ts";
import { landPage, type PageEnvironment, preparePage } from "./process-page.ts";
import { type EndedPart, type TrailStep, Trails } from "./trails.ts";

/** One event: the run it is, and the records it brought. */
export type EventRun = { runId: string; eventId: string; records: JsonRecord[] };

export type EventsJob = {
  flowId: string;
  events: EventRun[];
  /** newest arrival among them: what NOW() gives */
  now: Date;
  /** number of the first ledger part of this batch; parts of batches not settled yet must not share one */
  firstPart: number;
  /** ledger rows earlier attempts left, by step and idempotency key */
  open: PageWork["open"];
  /** waiting is over: what the target cannot take becomes dead letters */
  giveUp: boolean;
};

export type EventPorts = WritePorts & {
  store: Pick<RunStore, "seen" | "blocked">;
  connection: RunPorts["connection"];
};

/** What became of one event. `read` = sum of `outcomes`; `way` points into the batch's ways. */
export type EventResult = { runId: string; read: number; outcomes: OutcomeCounts; way: number };

export type EventLetter = LetterDraft & { runId: string };
/** Where parts of an event ended without a write, for the journey; `key` is the record's. */
export type EventEnd = EndedPart & { runId: string; key: string };

export type EventsResult = {
  events: EventResult[];
  /** counters per step, of the ways the events took */
  ways: TrailStep[][];
  letters: EventLetter[];
  ends: EventEnd[];
  /** order by-key: records that wait behind an earlier one of their key */
  parked: (ParkedRecord & { runId: string })[];
  fixes: LedgerFix[];
  remembered: { step: string; scope: "run" | "forever"; keys: string[] }[];
  published: (PublishedEvent & { runId: string })[];
  held: (HeldDraft & { runId: string })[];
  nextPart: number;
};

/** The batch's work, so that the caller knows what was sent when it is interrupted. */
export function eventsWork(plan: Plan, job: EventsJob): PageWork & { eventOf: Int32Array } {
  const records: JsonRecord[] = [];
  const owners: number[] = [];
  for (const [index, event] of job.events.entries()) {
    for (const record of event.records) {
      records.push(record);
      owners.push(index);
    }
  }
  const eventOf = Int32Array.from(owners);
  const page: SourcePage = { number: 0, records, entry: [], unreadable: [] };
  const keyOf = (origin: number) =>
    plan.keyOf(records[origin] as JsonRecord) ?? (job.events[eventOf[origin] as number] as EventRun).eventId;
  return { page, nextPart: job.firstPart, unsettled: new Set(), fixes: [], open: job.open, keyOf, eventOf };
}

/**
 * @throws PageInterrupted when a target cannot take the batch now; `work` says what was sent
 * @throws Error on a defect, such as a step that lost a record
 */
export async function processEvents(
  plan: Plan,
  job: EventsJob,
  work: ReturnType<typeof eventsWork>,
  ports: EventPorts,
): Promise<EventsResult> {
  const { eventOf, page } = work;
  const runOf = (origin: number) => (job.events[eventOf[origin] as number] as EventRun).runId;
  const trails = new Trails(eventOf, job.events.length);
  const remembered: EventsResult["remembered"] = [];
  const environment: PageEnvironment = {
    plan,
    work,
    context: contextOf(plan, job, ports, remembered),
    connection: (name) => ports.connection(name),
    ...(job.giveUp ? { giveUp: reasonOf } : {}),
    trace: trails,
    idempotencyKey: (step, origin, key) => `${job.flowId}/${step}/${runOf(origin)}.0/${key}`,
    writeSite(step) {
      if (!step.write) throw new Error(`Step “${step.id}” does not write.`);
      return {
        step: step.id,
        title: step.title,
        write: step.write,
        mode: "live",
        ports,
        givesUp: job.giveUp,
        idempotencyKey: (origin, key) => `${job.flowId}/${step.id}/${runOf(origin)}.0/${key}`,
      };
    },
  };
  const { result, ranks, parked } = await land(page, environment, ports);
  const wrong = imbalance(result.counts, result.steps);
  if (wrong) throw new Error(`A batch of events does not balance: ${wrong}`);
  const events = eventResults(job, eventOf, ranks);
  const { ways, wayOf } = trails.summary();
  for (const [index, event] of events.entries()) event.way = wayOf[index] as number;
  return {
    events,
    ways,
    letters: result.letters.map((letter) => ({ ...letter, runId: runOf(letter.origin as number) })),
    ends: trails.ends.map((end) => ({ ...end, runId: runOf(end.origin), key: work.keyOf(end.origin) })),
    parked: parked.map((one) => ({ ...one, runId: runOf(one.origin) })),
    fixes: work.fixes,
    remembered,
    held: result.held.map((part) => ({ ...part, runId: runOf(part.origin) })),
    published: result.published.map((event) => ({ ...event, runId: runOf(event.origin) })),
    nextPart: work.nextPart,
  };
}

async function land(page: SourcePage, environment: PageEnvironment, ports: EventPorts) {
  const { plan } = environment;
  if (plan.flow.settings?.order === "by-key") {
    const keys = [...new Set(orderKeys(page, plan))].filter((key) => key !== null);
    return await landInOrder(page, environment, await ports.store.blocked(keys, true));
  }
  const prepared = await preparePage(page, environment);
  const parked: ParkedRecord[] = [];
  return { result: await landPage(prepared), ranks: prepared.ranks, parked };
}

/** Steps that remember within one run see each event alone: their flows take events one by one. */
export function takesEventsOneByOne(plan: Plan): boolean {
  return plan.order.some(({ step }) => {
    if (step.kind === "dedupe") return (step.scope ?? "run") === "run";
    if (step.kind === "check") return step.rules.some((rule) => rule.unique === true);
    return false;
  });
}

function eventResults(job: EventsJob, eventOf: Int32Array, ranks: Int8Array): EventResult[] {
  const events = job.events.map(({ runId }): EventResult => ({ runId, read: 0, outcomes: noOutcomes(), way: 0 }));
  for (let origin = 0; origin < ranks.length; origin++) {
    const event = events[eventOf[origin] as number] as EventResult;
    event.read++;
    event.outcomes[OUTCOMES[ranks[origin] as number] as Outcome]++;
  }
  return events;
}

function contextOf(plan: Plan, job: EventsJob, ports: EventPorts, remembered: EventsResult["remembered"]): StepContext {
  const finder = new RecordFinder(ports);
  return {
    now: job.now,
    timeZone: plan.flow.settings?.timeZone ?? "UTC",
    mode: "live",
    groups: "record",
    signal: ports.signal,
    seen: async (step, scope, keys) => (scope === "run" ? new Set() : await ports.store.seen(step, scope, keys)),
    remember(step, scope, keys) {
      if (scope === "forever" && keys.length > 0) remembered.push({ step, scope, keys });
    },
    find: (request) => finder.find(request),
  };
}

function reasonOf(error: unknown): FailureInfo | undefined {
  if (error instanceof PageInterrupted) return error.failure;
  return error instanceof IntegrationError ? failureOf(error) : undefined;
}
