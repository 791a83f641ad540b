/**
 * Small work of several runs at once in one statement. A run of one record spends more on its ways to PostgreSQL and their
 * commits than on its record; runs at work side by side share them.
 */
import type pg from "pg";
import { lanesOf } from "./lanes.ts";

type Waiting<I, O> = { item: I; done(answer: O): void; failed(error: unknown): void };

export type Together<I, O> = {
  /** items in one statement at most */
  most: number;
  /** Does it for all of them, in one statement of a session of the lanes; answers in the order of the items. */
  work(lanes: pg.Pool, items: I[]): Promise<O[]>;
};

/**
 * Calls that come at about the same time are done together, in the order they came; each gets its own answer. When the database
 * refuses a group, its members are done one by one: what one of them brings must not cost the others.
 */
export function together<I, O>({ most, work }: Together<I, O>): (pool: pg.Pool, item: I) => Promise<O> {
  const lanes = new WeakMap<pg.Pool, Lane<I, O>>();
  return (pool, item) => {
    let lane = lanes.get(pool);
    if (!lane) {
      lane = new Lane(most, (items) => work(lanesOf(pool), items));
      lanes.set(pool, lane);
    }
    return lane.add(item);
  };
}

/**
 * So long the first of a group waits for others at most, while there are runs that may come: for what a statement of its lane
 * took lately, within these bounds. Where statements are slow, more is saved by sharing one, and runs are longer on their way.
 */
const COMPANY_MS = { least: 2, most: 20 };
/** How much the last statement counts in what they took lately. */
const LAST_COUNTS = 0.2;
/** A run that is at work for longer is none that others wait for. */
const YOUNG_MS = 250;

/** Runs of this process at work for a short time, and how many of them wait in a lane. */
const young = new Set<object>();
let waiting = 0;
const lanesWaiting = new Set<{ go(): void }>();

/** Does the work of one run. While others are under way as well, what they store goes together. */
export async function sideBySide<T>(work: () => Promise<T>): Promise<T> {
  const run = {};
  const leave = () => {
    if (young.delete(run)) goWhenAllWait();
  };
  young.add(run);
  const grown = setTimeout(leave, YOUNG_MS);
  try {
    return await work();
  } finally {
    clearTimeout(grown);
    leave();
  }
}

/** When nobody is left who could come along, nobody is waited for. */
function goWhenAllWait(): void {
  if (waiting < young.size) return;
  for (const lane of [...lanesWaiting]) lane.go();
}

class Lane<I, O> {
  readonly #most: number;
  readonly #work: (items: I[]) => Promise<O[]>;
  #waiting: Waiting<I, O>[] = [];
  #busy = false;
  /** milliseconds a statement took lately */
  #took = 0;
  #company: NodeJS.Timeout | undefined;

  constructor(most: number, work: (items: I[]) => Promise<O[]>) {
    this.#most = most;
    this.#work = work;
  }

  add(item: I): Promise<O> {
    return new Promise((done, failed) => {
      this.#waiting.push({ item, done, failed });
      waiting++;
      if (this.#waiting.length === 1) {
        lanesWaiting.add(this);
        this.#company = setTimeout(() => this.go(), this.#patience());
      }
      // what comes in the same turn of the event loop is counted first
      setImmediate(goWhenAllWait);
    });
  }

  go(): void {
    if (this.#busy || this.#waiting.length === 0) return;
    this.#busy = true;
    clearTimeout(this.#company);
    const group = this.#waiting.splice(0, this.#most);
    waiting -= group.length;
    if (this.#waiting.length === 0) lanesWaiting.delete(this);
    const began = performance.now();
    void this.#settle(group).finally(() => {
      this.#took += LAST_COUNTS * (performance.now() - began - this.#took);
      this.#busy = false;
      if (this.#waiting.length > 0) this.go();
    });
  }

  #patience(): number {
    return Math.min(COMPANY_MS.most, Math.max(COMPANY_MS.least, this.#took));
  }

  async #settle(group: Waiting<I, O>[]): Promise<void> {
    try {
      const answers = await this.#work(group.map(({ item }) => item));
      if (answers.length !== group.length)
        throw new Error(`Expected ${group.length} answers, found ${answers.length}.`);
      for (const [at, { done }] of group.entries()) done(answers[at] as O);
    } catch (error) {
      if (group.length > 1 && refused(error)) for (const one of group) await this.#settle([one]);
      else for (const { failed } of group) failed(error);
    }
  }
}

/** The server said why: nothing of the statement is stored. When it is away, nobody knows, and each caller meets that itself. */
function refused(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return false;
  return /^[0-9A-Z]{5}$/.test(error.code) && !/^(08|53|57)/.test(error.code);
}
