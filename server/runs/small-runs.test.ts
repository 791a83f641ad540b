import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { type Checkpoint, LeaseLost, type RunStore } from "../../engine/ports.ts";
import { executeFlow } from "../../engine/run/execute-flow.ts";
import { MemoryBooks, portsOf } from "../../engine/run/testing/memory-books.ts";
import { planOf, source } from "../../engine/run/testing/model-flow.ts";
import { inAnyOrder, modelRuns } from "../../engine/run/testing/model-runs.ts";
import { Crash, type CrashPlan, Fate, MemoryTarget, targets } from "../../engine/run/testing/protocol-model.ts";
import { sideBySide, together } from "../db/together.ts";

type Run = {
  id: number;
  flow: number;
  state: "queued" | "running" | "waiting" | "ended" | "cancelled";
  busy: boolean;
  slot: boolean;
  worker: number | null;
  token: number;
  attempt: number;
  records: JsonRecord[];
  books: MemoryBooks;
};
type Held = { run: Run; token: number; attempt: number };
type Ending = Held & { checkpoint: Checkpoint; worker: number | null };

/** What PostgreSQL keeps of small runs: each method is one statement, for all who share it (claim-run.ts, whole-run.ts). */
class MemoryRuns {
  readonly runs: Run[];

  constructor(flows: { flow: number; bad: boolean[] }[]) {
    this.runs = flows.map(({ flow, bad }, id) => ({
      ...{ id, flow, state: "queued", busy: false, slot: false, worker: null, token: 0, attempt: 0 },
      records: bad.map((refused, at): JsonRecord => ({ id: `${id}.${at}`, bad: refused, version: 1 })),
      books: new MemoryBooks(),
    }));
  }

  holder = (flow: number) => this.runs.find((run) => run.flow === flow && run.slot);
  done = () => this.runs.every(({ state }) => state === "ended" || state === "cancelled");

  #take(run: Run, worker: number): Held {
    Object.assign(run, { state: "running", worker, slot: true, busy: false });
    return { run, token: ++run.token, attempt: ++run.attempt };
  }

  claim(asked: Run[], worker: number): (Held | "busy" | null)[] {
    const free = new Set<Run>();
    const may = asked.filter(({ state, busy }) => state === "queued" || (state === "waiting" && !busy));
    for (const flow of new Set(may.map((run) => run.flow))) {
      const holder = this.holder(flow);
      const first = may
        .filter((run) => run.flow === flow)
        .sort((a, b) => Number(b.slot) - Number(a.slot) || a.id - b.id)[0];
      if (first && (!holder || holder === first)) free.add(first);
    }
    return asked.map((run) => {
      if (free.delete(run)) return this.#take(run, worker);
      if (!may.includes(run) || run.state !== "queued") return null;
      Object.assign(run, { state: "waiting", busy: true });
      return "busy";
    });
  }

  reconsider(asked: Run[]): boolean[] {
    return asked.map((run) => {
      const free = run.state === "waiting" && run.busy && !this.holder(run.flow);
      if (free) Object.assign(run, { state: "queued", busy: false });
      return free;
    });
  }

  end(ends: Ending[]): ({ next: Held | null } | null)[] {
    return ends.map(({ run, token, checkpoint, worker }) => {
      if (run.token !== token || run.state !== "running") return null;
      run.books.checkpoint(checkpoint, () => true);
      Object.assign(run, { state: "ended", slot: false, worker: null });
      const heir = this.runs.find((one) => one.flow === run.flow && one.state === "waiting" && one.busy);
      if (!heir) return { next: null };
      if (worker !== null && heir.attempt === 0) return { next: this.#take(heir, worker) };
      Object.assign(heir, { state: "queued", busy: false, token: heir.token + 1 });
      return { next: null };
    });
  }

  lose(run: Run): void {
    if (run.state === "running") Object.assign(run, { state: "queued", worker: null, token: run.token + 1 });
  }

  /** One whose worker is gone, or is taken to be, or does not know of it. */
  giveBack(worker: number, known: ReadonlySet<Run> = new Set()): void {
    for (const run of this.runs) if (run.worker === worker && !known.has(run)) this.lose(run);
    for (const run of this.runs)
      if (run.state === "waiting" && run.busy && !this.holder(run.flow))
        Object.assign(run, { state: "queued", busy: false });
  }
}

const crash: fc.Arbitrary<CrashPlan> = fc.record({
  at: fc.integer({ min: 0, max: 30 }),
  after: fc.boolean(),
  takeover: fc.boolean(),
});
const scenario = fc.record({
  kind: fc.constantFrom(...targets),
  runs: fc.array(
    fc.record({
      flow: fc.nat({ max: 3 }),
      bad: fc.array(
        fc.nat({ max: 4 }).map((n) => n === 0),
        { minLength: 1, maxLength: 2 },
      ),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  workers: fc.array(fc.array(crash, { maxLength: 3 }), { minLength: 1, maxLength: 2 }),
  /** groups the database refuses, by the order of shared statements */
  refusals: fc.array(fc.boolean(), { maxLength: 12 }),
  flakes: fc.array(fc.boolean(), { maxLength: 8 }),
  /** one run of a group is taken over; only a target with transactions can say that something of it is still on its way */
  losses: fc.array(fc.record({ at: fc.integer({ min: 0, max: 60 }), which: fc.nat({ max: 7 }) }), { maxLength: 4 }),
  cancels: fc.array(fc.record({ at: fc.integer({ min: 0, max: 40 }), which: fc.nat({ max: 7 }) }), { maxLength: 3 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

const SLOTS = 4;

async function play(what: Scenario, turn: () => Promise<unknown>) {
  const memory = new MemoryRuns(what.runs);
  const target = new MemoryTarget(what.kind);
  const plan = planOf(what.kind, 10);
  const refusals = [...what.refusals];
  const flakes = [...what.flakes];
  const cancels = what.cancels.toSorted((a, b) => a.at - b.at);
  const losses = what.kind === "transaction" ? what.losses.toSorted((a, b) => a.at - b.at) : [];
  const groups: number[] = [];
  let effects = 0;

  const beside = async () => {
    await turn();
    effects++;
    for (let next = losses[0]; next && next.at <= effects; next = losses[0]) {
      losses.shift();
      memory.lose(memory.runs[next.which % memory.runs.length] as Run);
    }
    for (let next = cancels[0]; next && next.at <= effects; next = cancels[0]) {
      cancels.shift();
      const run = memory.runs[next.which % memory.runs.length] as Run;
      if ((run.state === "queued" || run.state === "waiting") && run.attempt === 0)
        Object.assign(run, { state: "cancelled", busy: false, token: run.token + 1 });
    }
  };

  async function worker(crashes: CrashPlan[], me: number): Promise<void> {
    const pool = new pg.Pool();
    const known = new Set<Run>();
    const planned = what.kind === "transaction" ? crashes : crashes.map((one) => ({ ...one, takeover: false }));
    const fate = new Fate(planned, () => memory.giveBack(me), beside);
    const shared = <I, O>(name: string, statement: (items: I[]) => O[]) =>
      together<I, O>({
        most: 8,
        work: (_, items) =>
          fate.effect(name, () => {
            if (items.length > 1 && refusals.shift()) throw Object.assign(new Error("refused"), { code: "40P01" });
            groups.push(items.length);
            return statement(items);
          }),
      });
    const claim = shared<Run, Held | "busy" | null>("claim", (asked) => memory.claim(asked, me));
    const reconsider = shared<Run, boolean>("reconsider", (asked) => memory.reconsider(asked));
    const end = shared<Ending, { next: Held | null } | null>("end", (ends) => memory.end(ends));
    const enter = shared<{ held: Held; part: Parameters<RunStore["enter"]> }, boolean>("enter", (parts) =>
      parts.map(({ held: { run, token }, part }) => {
        const mine = run.token === token && run.state === "running";
        if (mine) run.books.enter(token, ...part);
        return mine;
      }),
    );

    function store(held: Held, take: (next: Held) => void): RunStore {
      const { run, token } = held;
      const { books } = run;
      const fenced = <T>(name: string, work: () => T) =>
        fate.effect(name, () => {
          if (token !== run.token || run.state !== "running") throw new LeaseLost(String(run.id));
          return work();
        });
      return {
        async enter(...part) {
          if (!(await enter(pool, { held, part }))) throw new LeaseLost(String(run.id));
        },
        async checkpoint(checkpoint) {
          const ended = await end(pool, { ...held, checkpoint, worker: me });
          if (!ended) throw new LeaseLost(String(run.id));
          if (ended.next) take(ended.next);
          return { stop: null };
        },
        wait: ({ pages }) =>
          fenced("wait", () => {
            books.leave(token, pages);
            Object.assign(run, { state: "waiting", worker: null });
          }),
        finish: () => Promise.reject(new Error("No run of this model fails.")),
        release: () => fenced("release", () => Object.assign(run, { state: "queued", worker: null })).then(() => {}),
        openEntries: () => fate.effect("open", () => books.openEntries(() => true)),
        settleParts: (...parts) => fenced("settle", () => books.settleParts(...parts)),
        foresee: async () => {},
        foreseen: async () => new Map(),
        collected: async () => [],
        blocked: async () => new Set(),
        seen: async () => new Set(),
      };
    }

    /** As claim-run.ts, execute-run.ts and worker/tasks/run.ts do it. */
    async function task(asked: Run): Promise<void> {
      let held: Held | null = null;
      for (let run: Run | null = asked; run; ) {
        known.add(run);
        let next: Held | null = null;
        try {
          const taken = held;
          await sideBySide(async () => {
            let mine: Held | "busy" | null = taken ?? (await claim(pool, run as Run));
            while (mine === "busy") mine = (await reconsider(pool, run as Run)) ? await claim(pool, run as Run) : null;
            if (!mine) return;
            const world = { kind: what.kind, target, fate, flaky: () => flakes.shift() ?? false };
            const goesOn = (heir: Held) => {
              next = heir;
            };
            const ports = portsOf(world, store(mine, goesOn), source(mine.run.records), mine.attempt);
            const state = {
              ...{ runId: String(mine.run.id), page: 0, totals: { ...mine.run.books.totals } },
              ...{ failures: 0, failingSince: null, stoppedAt: null },
            };
            const job = {
              ...{ state, flowId: "flw", mode: "live" as const, cursor: null, watermark: null },
              ...{ now: new Date(0), sliceMs: 1_000_000, attempt: mine.attempt },
            };
            await executeFlow(plan, job, ports);
          });
        } catch (error) {
          if (!(error instanceof Crash) && !(error instanceof LeaseLost) && !fate.dead) throw error;
        } finally {
          known.delete(run);
        }
        held = next as Held | null;
        run = fate.dead ? null : (held?.run ?? null);
      }
    }

    for (let round = 0; !memory.done(); round++) {
      if (round > 5_000)
        throw new Error(
          `Runs are left behind: ${JSON.stringify(memory.runs.map(({ id, state, busy }) => [id, state, busy]))}`,
        );
      await turn();
      const due = memory.runs.filter(({ state, busy }) => state === "queued" || (state === "waiting" && !busy));
      await Promise.all(due.slice(0, SLOTS).map(task));
      // a worker in its place finds what it left; one that lives on gives back what it does not know of
      if (fate.dead || round > 20) memory.giveBack(me, fate.dead ? new Set() : known);
      fate.live();
    }
  }

  let atWork = what.workers.length;
  const time = async () => {
    while (atWork > 0) {
      await turn();
      vi.advanceTimersByTime(1);
    }
  };
  await Promise.all([...what.workers.map((crashes, me) => worker(crashes, me).finally(() => atWork--)), time()]);
  return { memory, target, groups };
}

async function check(what: Scenario, turn: () => Promise<unknown>): Promise<number[]> {
  const { memory, target, groups } = await play(what, turn);
  expect(target.effects).toHaveLength(new Set(target.effects).size);
  for (const { id, state, records, books, attempt } of memory.runs) {
    const { totals, letters, changes, sending } = books;
    const there = records.filter((record) => target.records.has(String(record.id)));
    if (state === "cancelled") {
      expect([attempt, there, changes], `run ${id} was cancelled before it began`).toEqual([0, [], []]);
      continue;
    }
    expect([state, sending]).toEqual(["ended", []]);
    expect(totals.read).toBe(records.length);
    expect(totals.created + totals.unchanged + totals.dead).toBe(records.length);
    expect(letters).toHaveLength(totals.dead);
    const asked = letters.filter(({ code }) => code === "may-have-arrived").map(({ key }) => key);
    if (what.kind !== "neither") expect(asked).toEqual([]);
    const ledger = changes.filter((change) => change.state === "done").map(({ key }) => key);
    const good = records.flatMap((record) => (record.bad ? [] : [String(record.id)]));
    expect(ledger.sort()).toEqual(good.filter((key) => !asked.includes(key)).sort());
    for (const key of ledger) expect(target.records.has(key), `${key} is lost`).toBe(true);
  }
  return groups;
}

const { numRuns, timeoutMs } = modelRuns(300);

/**
 * Small runs that share their statements (docs/decisions/0010) as a model: the real engine and the real lanes, in one or two
 * workers that die, or are taken for dead, before or after any shared statement, with groups that the database refuses.
 */
describe("small runs side by side", () => {
  beforeAll(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate"] }));
  afterAll(() => void vi.useRealTimers());

  it(
    "share statements, and are each worked on once, whatever the moments of crashes and takeovers",
    async () => {
      let together = 0;
      await fc.assert(
        fc.asyncProperty(scenario, fc.scheduler(), async (what, scheduler) => {
          const groups = await inAnyOrder(scheduler, (turn) => check(what, turn));
          together += groups.filter((size) => size > 1).length;
        }),
        { numRuns },
      );
      expect(together).toBeGreaterThan(numRuns / 4);
    },
    timeoutMs,
  );
});
