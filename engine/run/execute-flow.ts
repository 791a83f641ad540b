/** Runs one attempt of a flow run or a replay: pages from the trigger (or from dead letters) through the plan. */
import type { Json } from "../../connectors/sdk/types.ts";
import type { CompiledStep, Plan } from "../flow/compile.ts";
import { durationMs } from "../flow/duration.ts";
import type { FlowSettings } from "../flow/schema.ts";
import type { ParkedRecord, RunPorts } from "../ports.ts";
import { imbalance } from "./counts.ts";
import { RecordFinder } from "./find-records.ts";
import { ForeseenValues } from "./foreseen-values.ts";
import { collectsOver, StoredPages } from "./group-pages.ts";
import { Blocks } from "./key-blocks.ts";
import { KeyGate } from "./key-gate.ts";
import { landInOrder, orderKeys } from "./key-order.ts";
import { type Books, Passed, settleLeftBehind } from "./left-behind.ts";
import { OpenEntries } from "./open-entries.ts";
import type { PageResult, PageWork, SourcePage } from "./page.ts";
import { idempotencyKey, isOfSource, pageWork, writeSite } from "./page-sites.ts";
import {
  type FlowCursor,
  flowPages,
  type KeptPage,
  keptPages,
  type ParkedPage,
  type PlannedPage,
  pageSizeOf,
  type ReplayPage,
  releasePages,
  replayPages,
  tellingWhatIsStored,
  withGroups,
} from "./planned-pages.ts";
import { landPage, type PageEnvironment, type PreparedPage, preparePage } from "./process-page.ts";
import { recoverOpenEntries } from "./recover.ts";
import { type RetryPolicy, USUAL_ATTEMPTS } from "./retry.ts";
import { type AttemptEnd, type AttemptState, nothing, runPages } from "./run-pages.ts";
import { stepContext, UnsavedKeys } from "./step-context.ts";
import { stopCondition } from "./stop-condition.ts";

export type { FlowCursor, KeptPage, ParkedPage, ReplayPage } from "./planned-pages.ts";

export type FlowJob = {
  state: AttemptState;
  flowId: string;
  mode: "live" | "dry";
  /** first attempt: null */
  cursor: FlowCursor | null;
  /** incremental: newest watermark processed by earlier runs */
  watermark: Json;
  /** a backfill reads this range and leaves the watermark alone */
  backfill?: { from: Json; to?: Json };
  /** most records to read, of all attempts */
  limit?: number;
  /** fixed for all attempts of the run */
  now: Date;
  sliceMs: number;
  /** a replay: records come from letters and enter in the middle */
  entersByLetter?: boolean;
  /** keys of letters that are open since earlier runs of the flow, where there are any */
  openLetters?: ReadonlySet<string>;
  /** a stretch of the run: the range of the stream that is read */
  range?: Json;
  /** attempts since the run (or its stretch) began; from the second on, open ledger rows are settled first */
  attempt: number;
};

/** Executes a flow run until it ends, yields or waits. */
export async function executeFlow(plan: Plan, job: FlowJob, ports: RunPorts): Promise<AttemptEnd> {
  return await execute(job, ports, {
    plan,
    reading: { step: plan.trigger.id, connection: connectionOf(plan) },
    pages: flowPages(plan, job, ports),
    follows: true,
  });
}

/** Executes a replay: letters are read by `letters`, each with the plan and the step it enters. */
export async function executeReplay(
  job: FlowJob,
  ports: RunPorts,
  letters: AsyncIterable<ReplayPage>,
  plan: Plan,
): Promise<AttemptEnd> {
  const byLetter = { ...job, entersByLetter: true };
  return await execute(byLetter, ports, { plan, reading: { step: "replay" }, pages: replayPages(letters) });
}

/** Gives parked records their turn: from the trigger on, in the order they came. */
export async function executeRelease(
  job: FlowJob,
  ports: RunPorts,
  parked: AsyncIterable<ParkedPage>,
  plan: Plan,
): Promise<AttemptEnd> {
  return await execute(job, ports, { plan, reading: { step: plan.trigger.id }, pages: releasePages(parked, plan) });
}

/** Lets parts go on that a wait or an approval kept, from the port they leave by. */
export async function executeContinuation(
  job: FlowJob,
  ports: RunPorts,
  kept: AsyncIterable<KeptPage>,
  plan: Plan,
): Promise<AttemptEnd> {
  const entering = { ...job, entersByLetter: true };
  return await execute(entering, ports, { plan, reading: { step: plan.trigger.id }, pages: keptPages(kept, plan) });
}

/** A page is tried so often before the few records the target fails inside at are blamed: some 20 s. */
const TRIES_BEFORE_BLAME = 3;

type Execution = {
  plan: Plan;
  reading: { step: string; connection?: string };
  pages: AsyncGenerator<PlannedPage>;
  /** the pages are those of the source, which may change between two attempts */
  follows?: boolean;
};

/** What comes up in a later page although it was inserted before is known by the run's cursor. */
function withPassed(cursor: Json, { keys }: Passed): Json {
  const { passed: _, ...rest } = cursor as FlowCursor;
  return keys ? { ...rest, passed: keys } : rest;
}

async function execute(
  job: FlowJob,
  ports: RunPorts,
  { plan, reading, pages, follows }: Execution,
): Promise<AttemptEnd> {
  const settings = plan.flow.settings ?? {};
  const writes = plan.order.filter((step) => step.write);
  const width = pagesAtOnce(job, plan, writes);
  const gate = new KeyGate();
  const retry = retryPolicy(settings);
  const blamesFew = () => job.state.failures + 1 >= Math.min(TRIES_BEFORE_BLAME, retry.attempts);
  const foreseen = job.mode === "dry" ? new ForeseenValues() : undefined;
  /** works of pages that may lack a checkpoint */
  const recent: PageWork[] = [];
  let recovered: OpenEntries | null = null;
  const recover = async () => {
    recovered ??= job.attempt > 1 && job.mode === "live" ? await recoverOpenEntries(ports) : new OpenEntries();
    return recovered;
  };
  const passed = new Passed(job.cursor?.passed);
  const settleLeft = (open: OpenEntries, page: number, books: Books) =>
    settleLeftBehind(open, page, books, passed, (id) => {
      const { write, title } = writes.find((step) => step.id === id) ?? {};
      return write && title !== undefined ? { step: id, title, write } : undefined;
    });
  const unsaved = new UnsavedKeys(width);
  const order = keepsOrder(job, plan) ? new Blocks(ports) : null;
  const finder = new RecordFinder(ports);
  const stored = new StoredPages(job.state.page);
  const collects = collectsOver(plan).length > 0;

  return await runPages<PlannedPage, Prepared>({
    state: job.state,
    ports: collects ? tellingWhatIsStored(ports, stored) : ports,
    pages: collects ? withGroups(pages, plan, job, ports, stored) : pages,
    reading,
    retry,
    stop: stopCondition(settings),
    patient: job.mode === "live",
    sliceMs: job.sliceMs,
    ...(job.range === undefined ? {} : { stretch: true }),
    width,
    ...(follows && { leftBehind: async (books) => settleLeft(await recover(), Number.POSITIVE_INFINITY, books) }),
    unfinished: () => recent,
    async prepare(planned, number) {
      const open = await recover();
      const page: SourcePage = { ...planned.source, number, ...(planned.parked ? { parked: planned.parked } : {}) };
      const work = pageWork(job, page, planned.plan, open);
      const remembered: PageResult["remembered"] = [];
      const context = stepContext(job, ports, settings.timeZone ?? "UTC", unsaved.of(number, remembered), finder);
      const environment: PageEnvironment = {
        plan: planned.plan,
        context,
        work,
        connection: (name) => ports.connection(name),
        ...(job.openLetters && { openLetters: job.openLetters }),
        writeSite: (step) => writeSite(job, ports, { work, gate, foreseen, passed, blamesFew }, step),
        idempotencyKey: (step, origin, key) => idempotencyKey(job, step, work, origin, key),
      };
      // in order, whether a record may go on is known only when the page before it has landed
      const prepared = order ? environment : await preparePage(page, environment);
      return { planned, work, prepared, remembered };
    },
    async land({ planned, work, prepared, remembered }, number) {
      // beside the pages that are written at once, only the one before them may lack its checkpoint: older works are done with
      while (recent.length > width) recent.shift();
      recent.push(work);
      gate.announce(number, width > 1 ? writes.map(({ id }) => id) : []);
      const { result, ...parking } = await landIt(prepared, work, planned, order).finally(() => gate.leave(number));
      const wrong = imbalance(result.counts, result.steps);
      if (wrong) throw new Error(`Page ${number} does not balance: ${wrong}`);
      // where pages land at once, one may still claim what the other left; an upsert counts it when it meets with it again
      const settles = follows && width === 1 && isOfSource(work.page);
      if (settles) settleLeft(work.open, number, result);
      const { counts, steps, letters, resolvedLetters, seenAgain, outcomes, fixes, groups, published, held } = result;
      const collected = groups.items.length + groups.waiting.length + groups.settled.length > 0;
      return {
        ...nothing(),
        page: number,
        cursor: settles ? withPassed(planned.cursor, passed) : planned.cursor,
        watermark: job.mode === "live" && !job.backfill ? planned.watermark : undefined,
        ...{ counts, steps, letters, resolvedLetters, outcomes, fixes, remembered },
        ...parking,
        ...(seenAgain.length > 0 ? { seenAgain } : {}),
        ...(collected ? { groups } : {}),
        ...(published.length > 0 ? { published } : {}),
        ...(held.length > 0 ? { held } : {}),
        ...(planned.source.continued ? { continued: planned.source.continued.parts.map(({ id }) => id) } : {}),
      };
    },
  });
}

/** Lands a prepared page, or where the order of a key is kept, prepares and lands it wave by wave. */
async function landIt(
  prepared: PreparedPage | PageEnvironment,
  { page }: PageWork,
  { plan, parked: ids }: PlannedPage,
  order: Blocks | null,
): Promise<{ result: PageResult; parked?: ParkedRecord[]; released?: string[] }> {
  if ("ranks" in prepared) return { result: await landPage(prepared) };
  if (page.groups) return { result: await landPage(await preparePage(page, prepared)) };
  const keys = [...new Set(orderKeys(page, plan))].filter((key) => key !== null);
  const blocked = await (order as Blocks).of(keys, ids === undefined);
  const { result, parked, blocks } = await landInOrder(page, prepared, blocked);
  order?.landed(page.number, blocks);
  if (ids === undefined) return { result, parked };
  const still = new Set(parked.map(({ origin }) => origin));
  return { result, released: ids.filter((_, origin) => !still.has(origin)) };
}

/** Replays put single records right; what waits behind them has its turn afterwards. */
function keepsOrder(job: FlowJob, plan: Plan): boolean {
  return plan.flow.settings?.order === "by-key" && job.mode === "live" && job.entersByLetter !== true;
}

type Prepared = {
  planned: PlannedPage;
  work: PageWork;
  /** of flows that keep the order of a key: what it takes to prepare it */
  prepared: PreparedPage | PageEnvironment;
  remembered: PageResult["remembered"];
};

function connectionOf(plan: Plan): string | undefined {
  const { step } = plan.trigger;
  return step.kind === "read" ? step.connection : undefined;
}

/** Four keep worker and PostgreSQL as busy as six would, two leave them idle a fifth of the time (measured on two processors). */
const PAGES_AT_ONCE = 4;
/** Records that may be written at once, as each is kept in memory until its page has landed. */
const RECORDS_AT_ONCE = 8_000;

/**
 * Pages may be written at once where the target keeps what a page does apart until it is whole, and where the order of
 * pages shows only in records they share (the gate sees to those). A dry run must see what the page before it foresaw.
 */
function pagesAtOnce(job: FlowJob, plan: Plan, writes: CompiledStep[]): number {
  const apart = writes.every(({ write }) => write?.info?.transactional && write.match.length > 0);
  const exact = plan.flow.settings?.stopAt !== undefined; // halts at the very page
  const free = !exact && !keepsOrder(job, plan);
  if (job.mode !== "live" || !apart || writes.length === 0 || !free) return 1;
  return Math.max(2, Math.min(PAGES_AT_ONCE, Math.floor(RECORDS_AT_ONCE / pageSizeOf(plan))));
}

export function retryPolicy(settings: FlowSettings): RetryPolicy {
  const forMs = settings.retry?.for === undefined ? 24 * 3_600_000 : durationMs(settings.retry.for);
  return { attempts: settings.retry?.attempts ?? USUAL_ATTEMPTS, forMs };
}
