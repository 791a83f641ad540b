/** Sends one page through the plan, step by step, and accounts for every record in it. */
import type { FailureInfo } from "../../connectors/sdk/errors.ts";
import type { CompiledStep, Plan } from "../flow/compile.ts";
import type { RunConnection, StepCounts } from "../ports.ts";
import { dead } from "../steps/batch.ts";
import type { Batch, Ended, StepContext, StepExecutor, StepResult } from "../steps/define-step.ts";
import { noRunCounts, noStepCounts } from "./counts.ts";
import { PageInterrupted, type PageResult, type PageWork, type SourcePage } from "./page.ts";
import { collect, countParts, keep, publish, settle, summarise, UNSETTLED } from "./page-books.ts";
import { deliver, seedInboxes } from "./page-routes.ts";
import { seenAgain } from "./same-record.ts";
import { giveUpBatch, writeBatch } from "./write-batch.ts";
import type { WritePlace } from "./write-site.ts";

export type PageEnvironment = {
  plan: Plan;
  context: StepContext;
  work: PageWork;
  connection(name: string): Promise<RunConnection>;
  writeSite(step: CompiledStep): WritePlace;
  /** same key, at most one effect: for what a step sends by itself */
  idempotencyKey(step: string, origin: number, key: string): string;
  /** the reason to give when a connection cannot be opened and waiting for it is over; undefined: interrupt the page */
  giveUp?(error: unknown): FailureInfo | undefined;
  /** origins of the records that take part in this pass; absent: all of the page */
  only?: readonly number[];
  /** keys of letters that are open since earlier runs of the flow */
  openLetters?: ReadonlySet<string>;
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
      seenAgain: [],
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
  if (environment.openLetters) result.seenAgain.push(...seenAgain(prepared, environment.openLetters));
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
    // what landed before, or may have, is told from what was never sent
    return giveUpBatch(environment.writeSite(step), batch, failure, environment.work);
  }
  return await writeBatch({ ...environment.writeSite(step), connection }, batch, environment.work);
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
