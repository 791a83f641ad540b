/**
 * The groups of collect steps as pages at the end of a run. A page of groups is read from the store only when every page
 * before it is stored, so that no part is missing (docs/decisions/0006-collect.md).
 */
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { CompiledStep, Plan } from "../flow/compile.ts";
import type { MappingEnv } from "../mapping/types.ts";
import type { CollectedItem, RunStore } from "../ports.ts";
import type { Group, GroupResult } from "../steps/collect/grouping.ts";
import type { FailedGroup, SourcePage } from "./page.ts";

/** Where the emission of groups stands: every group of steps before `step`, and its groups up to `key`, have left. */
export type GroupCursor = {
  step: string;
  key: string | null;
  /** the group after `key` failed, and its parts up to this one are dead letters already */
  letters?: { key: string; seq: number };
};

export type GroupPage = { source: Omit<SourcePage, "number">; groups: GroupCursor | "done" };

export type GroupSource = {
  plan: Plan;
  store: Pick<RunStore, "collected">;
  env: MappingEnv;
  /** resolves when the checkpoint of every page handed out so far is stored */
  stored(): Promise<void>;
  pageSize: number;
};

const ITEMS_AT_ONCE = 5_000;
/** A page of groups holds at most so many parts' worth, as groups may carry lists. */
const ITEMS_PER_PAGE = 20_000;
const LETTERS_PER_PAGE = 1_000;
const LAST_SEQ = Number.MAX_SAFE_INTEGER;

/** The collect steps that work over a whole run, in the order of the plan. */
export function collectsOver({ order }: Plan): CompiledStep[] {
  return order.filter((step) => step.grouping !== undefined);
}

/**
 * An empty page before each step's groups gives the pages before it time to be stored; another one ends the run. An attempt that
 * begins among a step's groups has none before it: an empty page first could use up its time, attempt after attempt.
 */
export async function* groupPages(source: GroupSource, from: GroupCursor | null): AsyncGenerator<GroupPage> {
  const steps = collectsOver(source.plan);
  const begun = from ? steps.findIndex(({ id }) => id === from.step) : 0;
  for (const step of steps.slice(Math.max(0, begun))) {
    const after = from?.step === step.id ? from : { step: step.id, key: null };
    if (from?.step !== step.id) yield { source: pageOf(step), groups: after };
    await source.stored();
    yield* pagesOf(step, source, after);
  }
  yield { source: pageOf(steps.at(-1)!), groups: "done" };
}

async function* pagesOf(step: CompiledStep, source: GroupSource, after: GroupCursor): AsyncGenerator<GroupPage> {
  const { store, pageSize } = source;
  let page: Made[] = [];
  let items = 0;
  let place = after;
  for await (const group of groupsOf(step, source, after.key)) {
    if (!group.result.ok) {
      if (page.length > 0) yield groupPage(step, page);
      page = [];
      items = 0;
      yield* failedPages(step, store, group, place);
      place = { step: step.id, key: group.key };
      continue;
    }
    place = { step: step.id, key: group.key };
    page.push(group);
    items += group.count;
    if (page.length < pageSize && items < ITEMS_PER_PAGE) continue;
    yield groupPage(step, page);
    page = [];
    items = 0;
  }
  if (page.length > 0) yield groupPage(step, page);
}

type Made = { key: string; label: string; count: number; result: GroupResult };

/** One group after the other; a group's parts are read in pieces. */
async function* groupsOf(
  { id, grouping }: CompiledStep,
  { store, env }: GroupSource,
  after: string | null,
): AsyncGenerator<Made> {
  let place = after === null ? null : { key: after, seq: LAST_SEQ };
  let open: OpenGroup | undefined;
  for (;;) {
    const items: CollectedItem[] = await store.collected(id, place, ITEMS_AT_ONCE);
    for (const { key, record } of items) {
      if (open?.key !== key) {
        if (open) yield madeOf(open);
        const label = grouping!.labelOf(grouping!.keyOf(record));
        open = { key, count: 0, label, group: grouping!.start(env) };
      }
      open.group.add(record);
      open.count += 1;
    }
    const last = items.at(-1);
    if (!last || items.length < ITEMS_AT_ONCE) break;
    place = { key: last.key, seq: last.seq };
  }
  if (open) yield madeOf(open);
}

type OpenGroup = { key: string; count: number; label: string; group: Group };

const madeOf = ({ group, ...rest }: OpenGroup): Made => ({ ...rest, result: group.result() });

/** Every part of a group that could not be computed, as a dead letter; the last page settles the group. */
async function* failedPages(
  step: CompiledStep,
  store: GroupSource["store"],
  { key, label, result }: Made,
  before: GroupCursor,
): AsyncGenerator<GroupPage> {
  if (result.ok) return;
  let place = before.letters?.key === key ? before.letters : { key, seq: -1 };
  for (let last = false; !last; ) {
    const items = await store.collected(step.id, place, LETTERS_PER_PAGE + 1);
    const own = items.filter((item) => item.key === key);
    last = own.length <= LETTERS_PER_PAGE;
    const shown = own.slice(0, LETTERS_PER_PAGE);
    const failed: FailedGroup = { failure: result.failure, items: shown.map(({ record }) => record), label };
    if (last) failed.key = key;
    place = { key, seq: shown.at(-1)?.seq ?? place.seq };
    const groups = { step: step.id, keys: [], labels: [], failed };
    const cursor = last ? { step: step.id, key } : { ...before, letters: place };
    yield { source: { ...pageOf(step), groups }, groups: cursor };
  }
}

function groupPage(step: CompiledStep, made: Made[]): GroupPage {
  const records = made.map(({ result }) => (result as Extract<GroupResult, { ok: true }>).record);
  const keys = made.map(({ key }) => key);
  const labels = made.map(({ label }) => label);
  return { source: pageOf(step, records, keys, labels), groups: { step: step.id, key: keys.at(-1)! } };
}

function pageOf(
  { id }: CompiledStep,
  records: JsonRecord[] = [],
  keys: string[] = [],
  labels: string[] = [],
): GroupPage["source"] {
  return { records, entry: [], unreadable: [], groups: { step: id, keys, labels } };
}

/** Tells when the checkpoints of pages are stored. */
export class StoredPages {
  #stored: number;
  #handedOut: number;
  #waiting: { page: number; done: () => void }[] = [];

  /** @param next number of the attempt's first page */
  constructor(next: number) {
    this.#stored = next - 1;
    this.#handedOut = next - 1;
  }

  handOut(): void {
    this.#handedOut += 1;
  }

  reached(page: number): void {
    this.#stored = Math.max(this.#stored, page);
    for (const { done } of this.#waiting.filter((one) => one.page <= this.#stored)) done();
    this.#waiting = this.#waiting.filter((one) => one.page > this.#stored);
  }

  /** Waits for all pages but the last one handed out: that is the empty one, which lands only while we wait. */
  beforeLast(): Promise<void> {
    const page = this.#handedOut - 1;
    if (page <= this.#stored) return Promise.resolve();
    return new Promise((done) => this.#waiting.push({ page, done }));
  }
}
