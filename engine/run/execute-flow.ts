/** Runs one attempt of a flow run or a replay: pages from the trigger (or from dead letters) through the plan. */
import type { Json, JsonRecord, ReadPage } from "../../connectors/sdk/types.ts";
import type { CompiledStep, Plan } from "../flow/compile.ts";
import { durationMs } from "../flow/duration.ts";
import type { FlowSettings } from "../flow/schema.ts";
import type { ParkedRecord, RunConnection, RunPorts } from "../ports.ts";
import type { StepContext } from "../steps/define-step.ts";
import { imbalance } from "./counts.ts";
import { RecordFinder } from "./find-records.ts";
import { collectsOver, type GroupCursor, groupPages, StoredPages } from "./group-pages.ts";
import { KeyGate } from "./key-gate.ts";
import { landInOrder, orderKeys } from "./key-order.ts";
import type { PageResult, PageWork, ReplayedLetter, SourcePage } from "./page.ts";
import { landPage, type PageEnvironment, type PreparedPage, preparePage } from "./process-page.ts";
import { recoverOpenEntries } from "./recover.ts";
import type { RetryPolicy } from "./retry.ts";
import { type AttemptEnd, type AttemptState, nothing, runPages, type StopCondition } from "./run-pages.ts";
import type { WriteSite } from "./write-batch.ts";

/** Where a flow run stands: the connector's cursor, and the watermark it started after. */
export type FlowCursor = {
  cursor: Json;
  after: Json;
  /** collect over the run: the groups are leaving, and how far they are */
  groups?: GroupCursor | "done";
  /** collect over the run: the watermark to store when its groups have left */
  mark?: { step: string; value: Json };
};

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
  /** attempts since the run began; from the second on, open ledger rows are settled first */
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

/** Parts that leave one step by one port. */
export type KeptPage = { continued: NonNullable<SourcePage["continued"]>; records: JsonRecord[]; cursor: Json };

/** Parked records, oldest first. */
export type ParkedPage = { ids: string[]; records: JsonRecord[]; cursor: Json };

/** Letters of one version that enter at the same steps. */
export type ReplayPage = {
  plan: Plan;
  entry: string[];
  letters: ReplayedLetter[];
  records: JsonRecord[];
  cursor: Json;
};

/** Ledger parts of different attempts at one page must not share a number. */
export const PARTS_PER_ATTEMPT = 100_000;

type PlannedPage = {
  plan: Plan;
  source: Omit<SourcePage, "number">;
  cursor: Json;
  watermark?: { step: string; value: Json };
  /** ids of the parked records that have their turn, in the order of the page's records */
  parked?: string[];
};

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
    retry: retryPolicy(settings),
    stop: stopCondition(settings),
    patient: job.mode === "live",
    sliceMs: job.sliceMs,
    width,
    unfinished: () => recent,
    async prepare(planned, number) {
      open ??= job.attempt > 1 && job.mode === "live" ? await recoverOpenEntries(ports) : new Map();
      const page: SourcePage = { ...planned.source, number };
      const work = pageWork(job, page, planned.plan, open);
      const remembered: PageResult["remembered"] = [];
      const context = stepContext(job, ports, settings.timeZone ?? "UTC", unsaved.of(number, remembered), finder);
      const environment: PageEnvironment = {
        plan: planned.plan,
        context,
        work,
        connection: (name) => ports.connection(name),
        writeSite: (step, connection) => writeSite(job, ports, { page, gate }, step, connection),
        idempotencyKey: (step, origin, key) => idempotencyKey(job, step, page, origin, key),
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
      const { counts, steps, letters, resolvedLetters, outcomes, fixes, groups, published, held } = result;
      const collected = groups.items.length + groups.waiting.length + groups.settled.length > 0;
      return {
        ...nothing(),
        page: number,
        cursor: planned.cursor,
        watermark: job.mode === "live" && !job.backfill ? planned.watermark : undefined,
        ...{ counts, steps, letters, resolvedLetters, outcomes, fixes, remembered },
        ...parking,
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
  { page, gate }: { page: SourcePage; gate: KeyGate },
  step: CompiledStep,
  connection: RunConnection,
): WriteSite {
  if (!step.write) throw new Error(`Step “${step.id}” does not write.`);
  return {
    step: step.id,
    title: step.title,
    write: step.write,
    connection,
    mode: job.mode,
    ports,
    gate,
    idempotencyKey: (origin, key) => idempotencyKey(job, step.id, page, origin, key),
  };
}

async function* flowPages(plan: Plan, job: FlowJob, ports: RunPorts): AsyncGenerator<PlannedPage> {
  const step = plan.trigger.step;
  if (step.kind !== "read") throw new Error(`A flow that starts with “${step.kind}” cannot be run by reading.`);
  const { session } = await ports.connection(step.connection);
  const after = job.cursor ? job.cursor.after : (job.backfill?.from ?? job.watermark);
  const incremental = step.sync === "incremental" && step.watermark !== undefined;
  const pageSize = plan.flow.settings?.pageSize ?? 1000;
  let left = job.limit === undefined ? undefined : job.limit - job.state.totals.read;
  if (left !== undefined && left <= 0) return;
  const pages = session.read({
    stream: step.stream,
    cursor: job.cursor?.cursor ?? null,
    ...(incremental && step.watermark
      ? {
          watermark: {
            field: step.watermark,
            after,
            ...(job.backfill?.to === undefined ? {} : { until: job.backfill.to }),
          },
        }
      : {}),
    pageSize,
    ...(left === undefined ? {} : { limit: left }),
    signal: ports.signal,
  });
  for await (const page of pages) {
    const limited = limitPage(page, left);
    if (left !== undefined) left -= limited.records.length + (limited.unreadable?.length ?? 0);
    yield {
      plan,
      source: { records: limited.records, unreadable: limited.unreadable ?? [], entry: [] },
      cursor: { cursor: page.cursor, after },
      ...(incremental && page.watermark !== undefined ? { watermark: { step: step.id, value: page.watermark } } : {}),
    };
    if (left !== undefined && left <= 0) return;
  }
}

/** The pages of a run that collects: its source's, then those of its groups. The watermark moves when all have left. */
async function* withGroups(
  pages: AsyncGenerator<PlannedPage>,
  plan: Plan,
  job: FlowJob,
  ports: RunPorts,
  stored: StoredPages,
): AsyncGenerator<PlannedPage> {
  const begun = job.cursor?.groups;
  let place: JsonRecord = { ...job.cursor };
  let { mark } = job.cursor ?? {};
  if (begun === undefined) {
    for await (const { watermark, ...page } of pages) {
      mark = watermark ?? mark;
      place = { ...(page.cursor as JsonRecord), ...(mark ? { mark } : {}) };
      stored.handOut();
      yield { ...page, cursor: place };
    }
  }
  const { timeZone = "UTC", pageSize = 1000 } = plan.flow.settings ?? {};
  const env = { now: job.now, timeZone };
  const source = { plan, store: ports.store, env, stored: () => stored.beforeLast(), pageSize };
  for await (const page of groupPages(source, begun === undefined || begun === "done" ? null : begun)) {
    stored.handOut();
    const last = page.groups === "done";
    yield {
      plan,
      source: page.source,
      cursor: { ...place, groups: page.groups },
      ...(last && mark ? { watermark: mark } : {}),
    };
  }
}

/** Ports that say which pages are stored. */
function tellingWhatIsStored(ports: RunPorts, stored: StoredPages): RunPorts {
  const checkpoint: RunPorts["store"]["checkpoint"] = async (page) => {
    const reply = await ports.store.checkpoint(page);
    stored.reached(page.page);
    return reply;
  };
  return { ...ports, store: { ...ports.store, checkpoint } };
}

function limitPage(page: ReadPage, left: number | undefined): ReadPage {
  if (left === undefined || page.records.length <= left) return page;
  return { ...page, records: page.records.slice(0, left) };
}

async function* replayPages(letters: AsyncIterable<ReplayPage>): AsyncGenerator<PlannedPage> {
  for await (const { plan, entry, letters: list, records, cursor } of letters) {
    yield { plan, source: { records, letters: list, entry, unreadable: [] }, cursor };
  }
}

async function* releasePages(parked: AsyncIterable<ParkedPage>, plan: Plan): AsyncGenerator<PlannedPage> {
  for await (const { ids, records, cursor } of parked)
    yield { plan, source: { records, entry: [], unreadable: [] }, cursor, parked: ids };
}

async function* keptPages(kept: AsyncIterable<KeptPage>, plan: Plan): AsyncGenerator<PlannedPage> {
  for await (const { continued, records, cursor } of kept)
    yield { plan, source: { records, entry: [], unreadable: [], continued }, cursor };
}

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
 */
function idempotencyKey(job: FlowJob, step: string, page: SourcePage, origin: number, key: string): string {
  const letter = page.letters?.[origin];
  if (!letter) return `${job.flowId}/${step}/${job.state.runId}.${page.number}/${key}`;
  return letter.sentAs ?? `${job.flowId}/${step}/${letter.id}.${letter.attempts}/${key}`;
}

/** Keys that dedupe steps let through in pages whose checkpoint may not be stored yet: the next page must know them. */
class UnsavedKeys {
  readonly #pages: { number: number; id: string; keys: Set<string> }[] = [];

  /** What the page with this number sees and remembers. At most two pages before it are not stored yet. */
  of(number: number, remembered: PageResult["remembered"]) {
    while (this.#pages[0] && this.#pages[0].number < number - 3) this.#pages.shift();
    return {
      has: (id: string, key: string) => this.#pages.some((page) => page.id === id && page.keys.has(key)),
      remember: (step: string, scope: "run" | "forever", keys: string[]) => {
        if (keys.length === 0) return;
        remembered.push({ step, scope, keys });
        this.#pages.push({ number, id: `${scope}/${step}`, keys: new Set(keys) });
      },
    };
  }
}

function stepContext(
  job: FlowJob,
  ports: RunPorts,
  timeZone: string,
  unsaved: ReturnType<UnsavedKeys["of"]>,
  finder: RecordFinder,
): StepContext {
  return {
    now: job.now,
    timeZone,
    mode: job.mode,
    groups: "run",
    signal: ports.signal,
    async seen(step, scope, keys) {
      const seen = await ports.store.seen(step, scope, keys);
      for (const key of keys) if (unsaved.has(`${scope}/${step}`, key)) seen.add(key);
      return seen;
    },
    remember: unsaved.remember,
    find: (request) => finder.find(request),
  };
}

export function retryPolicy(settings: FlowSettings): RetryPolicy {
  const forMs = settings.retry?.for === undefined ? 24 * 3_600_000 : durationMs(settings.retry.for);
  return { attempts: settings.retry?.attempts ?? 8, forMs };
}

export function stopCondition(settings: FlowSettings): StopCondition {
  const dead = settings.stopAt?.dead;
  if (dead === undefined) return {};
  return typeof dead === "number" ? { dead } : { deadShare: Number.parseFloat(dead) / 100 };
}
