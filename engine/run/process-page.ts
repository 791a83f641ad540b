/** Sends one page through the plan, step by step, and accounts for every record in it. */
import type { FailureInfo } from "../../connectors/sdk/errors.ts";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { CompiledStep, Plan } from "../flow/compile.ts";
import type { RunConnection, StepCounts } from "../ports.ts";
import { dead } from "../steps/batch.ts";
import {
  type Batch,
  type Collected,
  type Ended,
  type HeldPart,
  OUTCOMES,
  type Outcome,
  type Published,
  type StepContext,
  type StepExecutor,
  type StepResult,
} from "../steps/define-step.ts";
import { noOutcomes, noRunCounts, noStepCounts } from "./counts.ts";
import { PageInterrupted, type PageResult, type PageWork, type SourcePage } from "./page.ts";
import { type WriteSite, writeBatch } from "./write-batch.ts";

const RANK = new Map<Outcome, number>(OUTCOMES.map((outcome, rank) => [outcome, rank]));
const UNSETTLED = 127;
const DEAD = OUTCOMES.indexOf("dead");

export type PageEnvironment = {
  plan: Plan;
  context: StepContext;
  work: PageWork;
  connection(name: string): Promise<RunConnection>;
  writeSite(step: CompiledStep, connection: RunConnection): WriteSite;
  /** same key, at most one effect: for what a step sends by itself */
  idempotencyKey(step: string, origin: number, key: string): string;
  /** the reason to give when a connection cannot be opened and waiting for it is over; undefined: interrupt the page */
  giveUp?(error: unknown): FailureInfo | undefined;
  /** origins of the records that take part in this pass; absent: all of the page */
  only?: readonly number[];
  /** follows each record, for pages whose records belong to runs of their own */
  trace?: PageTrace;
};

/** Told what happens to which records of the page, by their origins. */
export type PageTrace = {
  entered(step: string, origins: number[]): void;
  left(step: string, port: string, origins: number[]): void;
  /** parts beyond those that came in, and parts that went into another; an origin once for each */
  made(step: string, origins: number[]): void;
  joined(step: string, origins: number[]): void;
  ended(step: string, parts: Ended[]): void;
};

/** A page whose middle steps are done: what waits before its write steps, and what has ended so far. */
export type PreparedPage = {
  environment: PageEnvironment;
  page: SourcePage;
  result: PageResult;
  /** rank of the least good outcome so far, per record */
  ranks: Int8Array;
  inboxes: Map<string, Batch>;
  lettersUsed: Set<string>;
  /** collect over a run: by record, how many of its parts wait for their groups */
  waiting: Map<number, number>;
};

/**
 * Executes the middle steps. Writes nothing, so the next page may be prepared while this one lands.
 *
 * @throws Error when a step lost a record: a defect that must never pass as a green run
 */
export async function preparePage(page: SourcePage, environment: PageEnvironment): Promise<PreparedPage> {
  const { plan, context, work } = environment;
  const prepared: PreparedPage = {
    environment,
    page,
    result: {
      counts: noRunCounts(),
      steps: {},
      letters: [],
      resolvedLetters: [],
      outcomes: [],
      fixes: work.fixes,
      remembered: [],
      groups: { items: [], waiting: [], settled: [] },
      published: [],
      held: [],
    },
    ranks: new Int8Array(page.records.length).fill(UNSETTLED),
    inboxes: new Map(),
    lettersUsed: new Set(),
    waiting: new Map(),
  };
  seedInboxes(prepared);
  for (const step of plan.order) {
    if (step.role === "trigger" || step.write) continue;
    const batch = takeInbox(prepared, step);
    if (!batch) continue;
    context.signal.throwIfAborted();
    const counts = prepared.result.steps[step.id] as StepCounts;
    if (!step.executor) throw new Error(`Step “${step.id}” of kind ${step.kind} has no executor.`);
    const done = await executeStep(environment, step.executor, batch);
    const { out, ended } = done;
    settle(prepared, step.id, ended, counts);
    countParts(prepared, step, batch, done, counts);
    if (done.collected) collect(prepared, step.id, done.collected);
    if (done.held) keep(prepared, step.id, done.held);
    if (done.published) publish(prepared, step.id, done.published);
    const ports = Object.keys(out);
    if (ports.length <= 1 && (out[ports[0] ?? ""]?.records.length ?? 0) !== counts.out) {
      throw new Error(`Step “${step.id}” lost records: ${counts.in} in, ${counts.out} expected out.`);
    }
    for (const port of ports) {
      const leaving = out[port] as Batch;
      if (leaving.records.length === 0) continue;
      counts.ports[port] = leaving.records.length;
      deliver(prepared, step, port, leaving, counts);
    }
  }
  return prepared;
}

/**
 * Executes the write steps of a prepared page.
 *
 * @returns counters, dead letters and journey rows of this page; every record has exactly one outcome in `counts`
 * @throws PageInterrupted when a target cannot take the page now
 * @throws Error when a record left the flow without an outcome
 */
export async function landPage(prepared: PreparedPage): Promise<PageResult> {
  const { page, result, environment, lettersUsed } = prepared;
  const { plan, context } = environment;
  for (const step of plan.order) {
    if (!step.write) continue;
    const batch = takeInbox(prepared, step);
    if (!batch) continue;
    context.signal.throwIfAborted();
    const ended = await writeStep(environment, step, batch);
    settle(prepared, step.id, ended, result.steps[step.id] as StepCounts);
  }
  summarise(prepared);
  for (const letter of page.letters ?? []) if (!lettersUsed.has(letter.id)) result.resolvedLetters.push(letter.id);
  return result;
}

/** When what a step needs from outside cannot answer and waiting for it is over, its records become dead letters. */
async function executeStep(environment: PageEnvironment, execute: StepExecutor, batch: Batch): Promise<StepResult> {
  try {
    return await execute(batch, environment.context);
  } catch (error) {
    const failure = error instanceof PageInterrupted ? environment.giveUp?.(error) : undefined;
    if (!failure) throw error;
    return { out: {}, ended: batch.records.map((record, index) => dead(record, batch.origins[index]!, failure)) };
  }
}

async function writeStep(environment: PageEnvironment, step: CompiledStep, batch: Batch): Promise<Ended[]> {
  let connection: RunConnection;
  try {
    connection = await environment.connection(step.write?.connection ?? "");
  } catch (error) {
    const failure = environment.giveUp?.(error);
    if (!failure) throw error;
    return batch.records.map((record, index) => ({
      origin: batch.origins[index] as number,
      outcome: "dead",
      record,
      failure,
    }));
  }
  return await writeBatch(environment.writeSite(step, connection), batch, environment.work);
}

/** What waits before a step, with its counters begun; undefined when nothing came. */
function takeInbox({ inboxes, result, environment }: PreparedPage, step: CompiledStep): Batch | undefined {
  const batch = inboxes.get(step.id);
  if (!batch || batch.records.length === 0) return undefined;
  inboxes.delete(step.id);
  const counts = noStepCounts();
  counts.in = batch.records.length;
  result.steps[step.id] = counts;
  environment.trace?.entered(step.id, batch.origins);
  return batch;
}

/** How many leave; of kinds that make or join parts, what each record became. @throws Error when one is lost */
function countParts(
  { environment, page }: PreparedPage,
  step: CompiledStep,
  batch: Batch,
  { out, ended, collected = [] }: StepResult,
  counts: StepCounts,
): void {
  const { parts } = step.definition;
  if (parts === undefined) {
    counts.out = counts.in - ended.length;
    return;
  }
  const more = new Int32Array(page.records.length);
  for (const origin of batch.origins) more[origin]!--;
  for (const { origins } of Object.values(out)) {
    counts.out += origins.length;
    for (const origin of origins) more[origin]!++;
  }
  for (const { origin } of ended) more[origin]!++;
  for (const { origin } of collected) more[origin]!++;
  counts.joined += collected.length;
  const changed: number[] = [];
  for (const [origin, change] of more.entries()) {
    if (change === 0) continue;
    if (change < 0 === (parts === "makes")) throw new Error(`Step “${step.id}” lost parts of record ${origin + 1}.`);
    for (let part = 0; part < Math.abs(change); part++) changed.push(origin);
  }
  counts[parts === "makes" ? "made" : "joined"] += changed.length;
  if (changed.length > 0) environment.trace?.[parts === "makes" ? "made" : "joined"](step.id, changed);
}

/** Records of a page are told apart by its number; so are their parts in the order they came. */
const REFS_PER_PAGE = 1_000_000;
const PARTS_PER_PAGE = 100_000_000;

/** Puts parts aside until the run's end. */
function collect({ page, result, waiting, environment }: PreparedPage, step: string, parts: Collected[]): void {
  const { items } = result.groups;
  const first = page.number * PARTS_PER_PAGE + items.length;
  const keys: string[] = [];
  for (const [at, { key, record, origin }] of parts.entries()) {
    items.push({ step, key, seq: first + at, ref: page.number * REFS_PER_PAGE + origin, record });
    waiting.set(origin, (waiting.get(origin) ?? 0) + 1);
    keys.push(environment.work.keyOf(origin));
  }
  if (keys.length > 0) result.outcomes.push({ step, outcome: "joined", keys });
}

/** What a step keeps goes on in a run of its own. */
function keep({ page, result, environment }: PreparedPage, step: string, parts: HeldPart[]): void {
  for (const { record, ...part } of parts) {
    const { origin } = part;
    const source = sourceOf(page, origin);
    result.held.push({ ...part, step, key: environment.work.keyOf(origin), data: record, source });
  }
}

/** The record as the trigger read it. */
function sourceOf(page: SourcePage, origin: number): JsonRecord {
  return (
    page.letters?.[origin]?.source ?? page.continued?.parts[origin]?.source ?? (page.records[origin] as JsonRecord)
  );
}

/** Events leave with the page's checkpoint. Each has the id it would have if its record were worked on again. */
function publish({ result, environment }: PreparedPage, step: string, events: Published[]): void {
  const sent = new Map<string, number>();
  const keys: string[] = [];
  for (const event of events) {
    const key = environment.work.keyOf(event.origin);
    const first = environment.idempotencyKey(step, event.origin, key);
    const nth = (sent.get(first) ?? 0) + 1;
    sent.set(first, nth);
    result.published.push({ ...event, step, id: nth === 1 ? first : `${first}#${nth}` });
    keys.push(key);
  }
  if (keys.length > 0) result.outcomes.push({ step, outcome: "published", keys });
}

/** Books parts that ended at a step: outcome, dead letter or journey. */
function settle(prepared: PreparedPage, step: string, ended: Ended[], counts: StepCounts): void {
  const { page, ranks, result, lettersUsed, environment } = prepared;
  const { work } = environment;
  environment.trace?.ended(step, ended);
  const keys = new Map<Outcome, string[]>();
  for (const part of ended) {
    const rank = RANK.get(part.outcome) as number;
    if (rank < (ranks[part.origin] as number)) ranks[part.origin] = rank;
    counts[part.outcome]++;
    if (part.outcome === "dead") {
      const letter = page.letters?.[part.origin];
      const again = letter !== undefined && !lettersUsed.has(letter.id);
      if (again) lettersUsed.add(letter.id);
      result.letters.push({
        step,
        key: work.keyOf(part.origin),
        origin: part.origin,
        failure: part.failure ?? { kind: "rejected", code: "unknown-reason", message: "No reason was given." },
        data: part.record,
        source: sourceOf(page, part.origin),
        ...(again ? { letterId: letter.id } : {}),
      });
    } else if (part.outcome !== "created" && part.outcome !== "updated" && part.outcome !== "deleted") {
      const list = keys.get(part.outcome);
      const key = work.keyOf(part.origin);
      if (list) list.push(key);
      else keys.set(part.outcome, [key]);
    }
  }
  for (const [outcome, list] of keys) result.outcomes.push({ step, outcome, keys: list });
}

/** The trigger's own counters, and its records put before the steps that follow it. */
function seedInboxes(prepared: PreparedPage): void {
  const { page, inboxes, result, environment } = prepared;
  const { trigger } = environment.plan;
  const { only } = environment;
  const total = only?.length ?? page.records.length;
  const batch: Batch = only
    ? { records: only.map((origin) => page.records[origin] as JsonRecord), origins: [...only] }
    : { records: page.records, origins: Array.from({ length: total }, (_, index) => index) };
  if (page.letters) {
    for (const id of page.entry) inboxes.set(id, copy(batch));
    return;
  }
  if (page.continued) {
    seedContinued(prepared, batch, page.continued);
    return;
  }
  if (page.groups) {
    seedGroups(prepared, batch, page.groups);
    return;
  }
  const counts = noStepCounts();
  counts.in = total + page.unreadable.length;
  counts.out = total;
  counts.dead = page.unreadable.length;
  if (counts.in > 0) result.steps[trigger.id] = counts;
  environment.trace?.entered(trigger.id, batch.origins);
  for (const { key, failure, data } of page.unreadable) {
    result.counts.read++;
    result.counts.dead++;
    result.letters.push({ step: trigger.id, key, failure, data, source: data });
  }
  for (const port of Object.keys(trigger.next)) {
    if (port === "out") counts.ports[port] = total;
    deliver(prepared, trigger, port, batch, counts);
  }
}

/** Kept parts leave the step that kept them. */
function seedContinued(
  prepared: PreparedPage,
  batch: Batch,
  { step: id, port }: NonNullable<SourcePage["continued"]>,
): void {
  const { result, environment } = prepared;
  const step = environment.plan.steps.get(id);
  if (!step) throw new Error(`The flow has no step “${id}” that its kept records could go on from.`);
  const counts = noStepCounts();
  counts.in = batch.records.length;
  counts.out = batch.records.length;
  counts.ports[port] = batch.records.length;
  result.steps[id] = counts;
  deliver(prepared, step, port, batch, counts);
}

/** Groups leave the step that collected them: what had joined there goes on as one record each. */
function seedGroups(
  prepared: PreparedPage,
  batch: Batch,
  { step: id, failed }: NonNullable<SourcePage["groups"]>,
): void {
  const { result, environment } = prepared;
  const step = environment.plan.steps.get(id);
  const total = batch.records.length;
  const lost = failed?.items.length ?? 0;
  if (!step || total + lost === 0) return;
  const counts = noStepCounts();
  counts.out = total;
  counts.dead = lost;
  counts.joined = -(total + lost);
  result.steps[id] = counts;
  for (const record of failed?.items ?? [])
    result.letters.push({ step: id, key: failed!.label, failure: failed!.failure, data: record, source: record });
  if (failed?.key !== undefined) result.groups.settled.push({ step: id, key: failed.key, rank: RANK.get("dead")! });
  if (total === 0) return;
  counts.ports.out = total;
  deliver(prepared, step, "out", batch, counts);
}

function copy(batch: Batch): Batch {
  return { records: batch.records.slice(), origins: batch.origins.slice() };
}

/** Hands what leaves a port to the steps it leads to. A port that leads nowhere ends its records as filtered; one that
 * leads only to steps cut from a draft's plan ends them as held. */
function deliver(prepared: PreparedPage, step: CompiledStep, port: string, leaving: Batch, counts: StepCounts): void {
  const { inboxes } = prepared;
  const targets = step.next[port] ?? [];
  if (targets.length === 0) {
    const outcome: Outcome = (step.cutNext[port]?.length ?? 0) > 0 ? "held" : "filtered";
    const ended = leaving.records.map(
      (record, index): Ended => ({ origin: leaving.origins[index] as number, outcome, record }),
    );
    counts.out -= ended.length;
    delete counts.ports[port];
    settle(prepared, step.id, ended, counts);
    return;
  }
  prepared.environment.trace?.left(step.id, port, leaving.origins);
  for (const target of targets) {
    const inbox = inboxes.get(target);
    if (!inbox) inboxes.set(target, targets.length === 1 ? leaving : copy(leaving));
    else {
      for (const record of leaving.records) inbox.records.push(record);
      for (const origin of leaving.origins) inbox.origins.push(origin);
    }
  }
}

/** The run's counters of this page: each record once, by the least good outcome of its parts. */
function summarise(prepared: PreparedPage): void {
  const { page, ranks, result, environment, waiting } = prepared;
  const outcomes = noOutcomes();
  const { only } = environment;
  const count = only?.length ?? ranks.length;
  for (let at = 0; at < count; at++) {
    const index = only ? (only[at] as number) : at;
    const rank = ranks[index] as number;
    const parts = waiting.get(index) ?? 0;
    if (rank === UNSETTLED && parts === 0)
      throw new Error(`Record ${index + 1} of page ${page.number} left the flow without an outcome.`);
    const ref = page.number * REFS_PER_PAGE + index;
    const group = page.groups && { step: page.groups.step, key: page.groups.keys[index] as string };
    if (parts > 0 && (group || rank !== DEAD))
      result.groups.waiting.push({ ref, parts, rank, ...(group && { group }) });
    else if (group) result.groups.settled.push({ ...group, rank });
    if (group) continue;
    outcomes[parts > 0 && rank !== DEAD ? "held" : (OUTCOMES[rank] as Outcome)]++;
  }
  if (page.groups) return;
  result.counts.read += count;
  for (const outcome of OUTCOMES) result.counts[outcome] += outcomes[outcome];
}
