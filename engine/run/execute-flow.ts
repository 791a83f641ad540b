/** Runs one attempt of a flow run or a replay: pages from the trigger (or from dead letters) through the plan. */
import type { Json, JsonRecord } from "../../connectors/sdk/types.ts";
import type { CompiledStep, Plan } from "../flow/compile.ts";
import { durationMs } from "../flow/duration.ts";
import type { FlowSettings } from "../flow/schema.ts";
import type { ParkedRecord, RunPorts } from "../ports.ts";
import { imbalance } from "./counts.ts";
import { RecordFinder } from "./find-records.ts";
import { ForeseenValues } from "./foreseen-values.ts";
import { collectsOver, StoredPages } from "./group-pages.ts";
import { KeyGate } from "./key-gate.ts";
import { landInOrder, orderKeys } from "./key-order.ts";
import { openKey, type PageResult, type PageWork, type SourcePage } from "./page.ts";
import {
  type FlowCursor,
  flowPages,
  type KeptPage,
  keptPages,
  type ParkedPage,
  type PlannedPage,
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
import type { WritePlace } from "./write-site.ts";

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

/** Ledger parts of different attempts at one page must not share a number. */
export const PARTS_PER_ATTEMPT = 100_000;

type Execution = {
  plan: Plan;
  reading: { step: string; connection?: string };
  pages: AsyncGenerator<PlannedPage>;
};

async function execute(job: FlowJob, ports: RunPorts, { plan, reading, pages }: Execution): Promise<AttemptEnd> {
  const settings = plan.flow.settings ?? {};
  const writes = plan.order.filter((step) => step.write);
  const width = pagesAtOnce(job, plan, writes);
  const gate = new KeyGate();
  const retry = retryPolicy(settings);
  const blamesFew = () => job.state.failures + 1 >= Math.min(TRIES_BEFORE_BLAME, retry.attempts);
  const foreseen = job.mode === "dry" ? new ForeseenValues() : undefined;
  /** works of pages that may lack a checkpoint */
  const recent: PageWork[] = [];
  let open: Awaited<ReturnType<typeof recoverOpenEntries>> | null = null;
  const unsaved = new UnsavedKeys();
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
    unfinished: () => recent,
    async prepare(planned, number) {
      open ??= job.attempt > 1 && job.mode === "live" ? await recoverOpenEntries(ports) : new Map();
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
        writeSite: (step) => writeSite(job, ports, { work, gate, foreseen, blamesFew }, step),
        idempotencyKey: (step, origin, key) => idempotencyKey(job, step, work, origin, key),
      };
      // in order, whether a record may go on is known only when the page before it has landed
      const prepared = order ? environment : await preparePage(page, environment);
      return { planned, work, prepared, remembered };
    },
    async land({ planned, work, prepared, remembered }, number) {
      // a checkpoint is stored before the page after the next one lands: older works are done with
      while (recent.length > width) recent.shift();
      recent.push(work);
      gate.announce(number, width > 1 ? writes.map(({ id }) => id) : []);
      const { result, ...parking } = await landIt(prepared, work, planned, order).finally(() => gate.leave(number));
      const wrong = imbalance(result.counts, result.steps);
      if (wrong) throw new Error(`Page ${number} does not balance: ${wrong}`);
      const { counts, steps, letters, resolvedLetters, seenAgain, outcomes, fixes, groups, published, held } = result;
      const collected = groups.items.length + groups.waiting.length + groups.settled.length > 0;
      return {
        ...nothing(),
        page: number,
        cursor: planned.cursor,
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

/** Keys that must wait, of pages whose checkpoint may not be stored yet, and as the store knows them. */
class Blocks {
  readonly #ports: RunPorts;
  readonly #pages: { number: number; keys: ReadonlySet<string> }[] = [];

  constructor(ports: RunPorts) {
    this.#ports = ports;
  }

  async of(keys: string[], orParked: boolean): Promise<Set<string>> {
    const blocked = await this.#ports.store.blocked(keys, orParked);
    for (const key of keys) if (this.#pages.some((page) => page.keys.has(key))) blocked.add(key);
    return blocked;
  }

  landed(number: number, keys: ReadonlySet<string>): void {
    while (this.#pages[0] && this.#pages[0].number < number - 2) this.#pages.shift();
    this.#pages.push({ number, keys });
  }
}

type Prepared = {
  planned: PlannedPage;
  work: PageWork;
  /** of flows that keep the order of a key: what it takes to prepare it */
  prepared: PreparedPage | PageEnvironment;
  remembered: PageResult["remembered"];
};

function pageWork(job: FlowJob, page: SourcePage, { keyOf }: Plan, open: PageWork["open"]): PageWork {
  return {
    page,
    nextPart: job.attempt * PARTS_PER_ATTEMPT,
    unsettled: new Set(),
    fixes: [],
    open,
    keyOf: (origin) =>
      page.letters?.[origin]?.key ??
      page.groups?.labels[origin] ??
      page.continued?.parts[origin]?.key ??
      keyOf(page.records[origin] as JsonRecord) ??
      `${page.number}.${origin + 1}`,
  };
}

function writeSite(
  job: FlowJob,
  ports: RunPorts,
  {
    work,
    gate,
    foreseen,
    blamesFew,
  }: { work: PageWork; gate: KeyGate; foreseen: ForeseenValues | undefined; blamesFew: () => boolean },
  step: CompiledStep,
): WritePlace {
  if (!step.write) throw new Error(`Step “${step.id}” does not write.`);
  const { page } = work;
  const plain = !page.letters && !page.continued && !page.parked;
  const prefix = plainPrefix(job, step.id, page);
  return {
    step: step.id,
    title: step.title,
    write: step.write,
    mode: job.mode,
    ports,
    gate,
    ...(foreseen && { foreseen }),
    blamesFew,
    idempotencyKey: plain ? (_, key) => prefix + key : (origin, key) => idempotencyKey(job, step.id, work, origin, key),
    keyedAlike: plain,
  };
}

const plainPrefix = (job: FlowJob, step: string, page: SourcePage) =>
  `${job.flowId}/${step}/${job.state.runId}.${page.number}/`;

function connectionOf(plan: Plan): string | undefined {
  const { step } = plan.trigger;
  return step.kind === "read" ? step.connection : undefined;
}

/**
 * Two pages may be written at once where the target keeps what a page does apart until it is whole, and where the order of
 * pages shows only in records they share (the gate sees to those). A dry run must see what the page before it foresaw.
 */
function pagesAtOnce(job: FlowJob, plan: Plan, writes: CompiledStep[]): number {
  const apart = writes.every(({ write }) => write?.info?.transactional && write.match.length > 0);
  const exact = plan.flow.settings?.stopAt !== undefined; // halts at the very page
  const free = !exact && !keepsOrder(job, plan);
  return job.mode === "live" && apart && writes.length > 0 && free ? 2 : 1;
}

/**
 * flow / step / what sets this write apart from an earlier one of the same record / its key. Apart are: run and page, or
 * for a replay the letter and how often it was tried. A letter that “may have arrived” is sent under its first key again.
 * What was parked or kept has one turn, whichever run gives it (server/db/run-store/turns.ts reads these keys). Such turns were
 * named by run and page once: what an attempt of that time entered goes on under its name, so that it is not sent again.
 */
function idempotencyKey(job: FlowJob, step: string, { page, open }: PageWork, origin: number, key: string): string {
  const letter = page.letters?.[origin];
  const kept = page.continued?.parts[origin]?.id;
  const parked = page.parked?.[origin];
  const byPage = plainPrefix(job, step, page) + key;
  if ((kept !== undefined || parked !== undefined) && open.has(openKey(step, byPage))) return byPage;
  if (kept !== undefined) return `${job.flowId}/${step}/kept.${kept}/${key}`;
  if (parked !== undefined) return `${job.flowId}/${step}/parked.${parked}/${key}`;
  if (!letter) return byPage;
  return letter.sentAs ?? `${job.flowId}/${step}/${letter.id}.${letter.attempts}/${key}`;
}

export function retryPolicy(settings: FlowSettings): RetryPolicy {
  const forMs = settings.retry?.for === undefined ? 24 * 3_600_000 : durationMs(settings.retry.for);
  return { attempts: settings.retry?.attempts ?? USUAL_ATTEMPTS, forMs };
}
