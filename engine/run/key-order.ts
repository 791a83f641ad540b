/**
 * Order by key (DESIGN §4): a record whose key has an earlier one that is dead or waits is parked; everything else goes on.
 * The one place that decides it, for pages of runs, for parked records that have their turn, and for batches of events.
 */
import type { Plan } from "../flow/compile.ts";
import type { ParkedRecord } from "../ports.ts";
import { OUTCOMES } from "../steps/define-step.ts";
import { noStepCounts } from "./counts.ts";
import type { PageResult, SourcePage } from "./page.ts";
import { landPage, type PageEnvironment, preparePage } from "./process-page.ts";

export type InOrder = {
  result: PageResult;
  /** rank of the least good outcome (OUTCOMES), per record */
  ranks: Int8Array;
  parked: ParkedRecord[];
  /** keys whose next records must wait, because of this page */
  blocks: Set<string>;
};

const HELD = OUTCOMES.indexOf("held");

/**
 * Sends a page through the plan in waves in which each key occurs once, so that a record knows what became of the one
 * before it. Pages in which no key occurs twice are one wave.
 *
 * @param blocked keys of the page that must wait from the start
 * @throws as `preparePage` and `landPage` do
 */
export async function landInOrder(
  page: SourcePage,
  environment: PageEnvironment,
  blocked: ReadonlySet<string>,
): Promise<InOrder> {
  const keys = orderKeys(page, environment.plan);
  const blocks = new Set(blocked);
  const done: InOrder = { result: emptyResult(environment), ranks: new Int8Array(keys.length), parked: [], blocks };
  const waves = toWaves(keys);
  const writeSite = numberingSite(environment);
  // what could not be read is accounted for even when there is nothing else
  for (const [number, wave] of (waves.length === 0 ? [[]] : waves).entries()) {
    const only: number[] = [];
    for (const origin of wave) {
      const key = keys[origin] ?? null;
      if (key === null || !blocks.has(key)) only.push(origin);
      else done.parked.push({ key, origin, source: page.records[origin] as ParkedRecord["source"] });
    }
    const unreadable = number === 0 ? page.unreadable : [];
    if (only.length === 0 && unreadable.length === 0) continue;
    const prepared = await preparePage(
      { ...page, unreadable },
      { ...environment, only, writeSite, idempotencyKey: waveKey(environment, number) },
    );
    const result = await landPage(prepared);
    for (const origin of only) done.ranks[origin] = prepared.ranks[origin] as number;
    for (const { origin, key } of result.letters) if (origin !== undefined) blocks.add(key);
    for (const { outcome, keys: held } of result.outcomes)
      if (outcome === "held") for (const key of held) blocks.add(key);
    add(done.result, result);
  }
  settleParked(done, environment);
  return done;
}

/** The second record of a key in one page publishes another event than the first. */
function waveKey({ idempotencyKey }: PageEnvironment, wave: number): PageEnvironment["idempotencyKey"] {
  if (wave === 0) return idempotencyKey;
  return (step, origin, key) => `${idempotencyKey(step, origin, key)}~${wave + 1}`;
}

/** What each record is kept in order by; null for one without a key, which waits for nobody. */
export function orderKeys({ records }: Pick<SourcePage, "records">, plan: Plan): (string | null)[] {
  return records.map((record) => plan.keyOf(record));
}

/** The n-th record of each key goes into the n-th wave. */
function toWaves(keys: (string | null)[]): number[][] {
  const waves: number[][] = [];
  const times = new Map<string, number>();
  for (const [origin, key] of keys.entries()) {
    const time = key === null ? 0 : (times.get(key) ?? 0);
    if (key !== null) times.set(key, time + 1);
    const wave = waves[time];
    if (wave) wave.push(origin);
    else waves.push([origin]);
  }
  return waves;
}

/**
 * The second write of a key in one page is another change than the first, and needs an idempotency key of its own. Numbered
 * by what the site tells apart, not by wave: an event keeps its key whatever others share its batch after a crash.
 */
function numberingSite(environment: PageEnvironment): PageEnvironment["writeSite"] {
  const sent = new Map<string, number>();
  return (step) => {
    const site = environment.writeSite(step);
    return {
      ...site,
      keyedAlike: false,
      idempotencyKey(origin, key) {
        const first = site.idempotencyKey(origin, key);
        const nth = (sent.get(first) ?? 0) + 1;
        sent.set(first, nth);
        return nth === 1 ? first : `${first}~${nth}`;
      },
    };
  };
}

/** Parked records end at the trigger, as held. */
function settleParked({ result, ranks, parked }: InOrder, { plan, trace }: PageEnvironment): void {
  if (parked.length === 0) return;
  const step = plan.trigger.id;
  const counts = result.steps[step] ?? noStepCounts();
  counts.in += parked.length;
  counts.held += parked.length;
  result.steps[step] = counts;
  result.counts.read += parked.length;
  result.counts.held += parked.length;
  result.outcomes.push({ step, outcome: "held", keys: parked.map(({ key }) => key) });
  const origins = parked.map(({ origin }) => origin);
  for (const origin of origins) ranks[origin] = HELD;
  trace?.entered(step, origins);
  trace?.ended(
    step,
    parked.map(({ origin, source }) => ({ origin, outcome: "held", record: source })),
  );
}

function emptyResult({ work }: PageEnvironment): PageResult {
  const counts = { read: 0, ...Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) } as PageResult["counts"];
  return {
    counts,
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
  };
}

function add(
  sum: PageResult,
  { counts, steps, letters, resolvedLetters, seenAgain, outcomes, groups, published, held }: PageResult,
): void {
  addNumbers(sum.counts, counts);
  for (const [id, step] of Object.entries(steps)) {
    const known = sum.steps[id];
    if (known) addNumbers(known, step);
    else sum.steps[id] = step;
  }
  sum.letters.push(...letters);
  sum.resolvedLetters.push(...resolvedLetters);
  sum.seenAgain.push(...seenAgain);
  sum.outcomes.push(...outcomes);
  sum.published.push(...published);
  sum.held.push(...held);
  // each wave numbers its parts from the start of the page
  const before = sum.groups.items.length;
  for (const item of groups.items) sum.groups.items.push({ ...item, seq: item.seq + before });
  sum.groups.waiting.push(...groups.waiting);
  sum.groups.settled.push(...groups.settled);
}

type Numbers = { [name: string]: number | Numbers };

function addNumbers(sum: object, more: object): void {
  const target = sum as Numbers;
  for (const [name, value] of Object.entries(more as Numbers)) {
    if (typeof value === "number") target[name] = ((target[name] as number | undefined) ?? 0) + value;
    else {
      target[name] ??= {};
      addNumbers(target[name] as Numbers, value);
    }
  }
}
