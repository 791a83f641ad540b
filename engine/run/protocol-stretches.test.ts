import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ConnectorSession, JsonRecord } from "../../connectors/sdk/types.ts";
import { LeaseLost, type RunPorts } from "../ports.ts";
import { executeFlow } from "./execute-flow.ts";
import { recoverOpenEntries } from "./recover.ts";
import { portsOf } from "./testing/memory-books.ts";
import { MemoryStretches, type Stretch } from "./testing/memory-stretches.ts";
import { planOf, source } from "./testing/model-flow.ts";
import { inAnyOrder, modelRuns } from "./testing/model-runs.ts";
import { Crash, Fate, type Kind, MemoryTarget, targets } from "./testing/protocol-model.ts";

type Crashes = { at: number; after: boolean; takeover: boolean }[];

type Scenario = {
  kind: Kind;
  records: boolean[];
  cuts: number[];
  pageSize: number;
  workers: Crashes[];
  flakes: boolean[];
  sliceMs: number;
  /** after so many effects of all workers a person cancels the run */
  cancelAt: number | null;
};

const crash = fc.record({ at: fc.integer({ min: 0, max: 25 }), after: fc.boolean(), takeover: fc.boolean() });
const scenario: fc.Arbitrary<Scenario> = fc.record({
  kind: fc.constantFrom(...targets),
  records: fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
  cuts: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 3 }),
  pageSize: fc.integer({ min: 1, max: 6 }),
  workers: fc.array(fc.array(crash, { maxLength: 4 }), { minLength: 2, maxLength: 3 }),
  flakes: fc.array(fc.boolean(), { maxLength: 8 }),
  sliceMs: fc.constantFrom(0, 1_000_000),
  cancelAt: fc.option(fc.integer({ min: 0, max: 60 }), { freq: 4 }),
});

const ENDED = ["succeeded", "succeeded_with_errors", "failed", "cancelled"];

/** The range of a stretch: some of the records, by their place. */
function ranged(records: JsonRecord[]): ConnectorSession["read"] {
  return (request) => {
    const [from, to] = request.range as [number, number];
    return source(records.slice(from, to))(request);
  };
}

async function play(what: Scenario, turn: () => Promise<unknown>) {
  const records = what.records.map((bad, index): JsonRecord => ({ id: `r${index}`, bad }));
  const ends = [...new Set([...what.cuts.map((cut) => Math.min(cut, records.length)), records.length])].sort(
    (a, b) => a - b,
  );
  const run = new MemoryStretches(ends.map((to, at) => [ends[at - 1] ?? 0, to]));
  const target = new MemoryTarget(what.kind);
  const plan = planOf(what.kind, what.pageSize);
  const luck = [...what.flakes];
  let effects = 0;
  let atOnce = 0;
  let mostAtOnce = 0;

  async function worker(crashes: Crashes): Promise<void> {
    let held: { stretch: Stretch; token: number } | undefined;
    const fate = new Fate(
      // A server without transactions cannot say that a request of a worker taken for dead is still on its way to it; such
      // a worker is dead here. Where it can say so, it lives on and finds out that it lost its stretch.
      what.kind === "transaction" ? crashes : crashes.map((one) => ({ ...one, takeover: false })),
      () => held && run.takeBack(held.stretch, held.token),
      async () => {
        await turn();
        if (++effects === what.cancelAt && run.state === "running") run.stop = "cancel";
      },
    );
    for (let attempt = 1; !ENDED.includes(run.state); attempt++) {
      if (attempt > 2_000) throw new Error(`A worker finds no end: ${JSON.stringify(run.stretches)}, ${run.state}`);
      await turn();
      // a worker in its place finds out what became of the one before it
      if (held) run.takeBack(held.stretch, held.token);
      held = undefined;
      fate.live();
      run.takeUp();
      const stretch = run.claim();
      if (!stretch) continue;
      held = { stretch, token: stretch.token };
      mostAtOnce = Math.max(mostAtOnce, ++atOnce);
      await attemptAt(stretch, fate, attempt).finally(() => atOnce--);
    }
  }

  async function attemptAt(stretch: Stretch, fate: Fate, attempt: number): Promise<void> {
    const world = { kind: what.kind, target, fate, flaky: () => luck.shift() ?? false };
    const ports = portsOf(world, run.store(fate, stretch), ranged(records), attempt);
    const { page, cursor, range } = stretch;
    const state = {
      runId: "1",
      page,
      totals: { ...run.books.totals },
      failures: 0,
      failingSince: null,
      stoppedAt: null,
    };
    const job = {
      ...{ state, flowId: "flw", mode: "live" as const, cursor, watermark: null, now: new Date(0), range },
      ...{ sliceMs: what.sliceMs, attempt: stretch.attempt },
    };
    const attempted = run.breaksOff() ? cancelled(ports, stretch) : executeFlow(plan, job, ports);
    await attempted.then(() => undefined, survived(fate));
  }

  /** As server/runs/execute-run.ts ends a run. */
  async function cancelled(ports: RunPorts, stretch: Stretch): Promise<void> {
    if (stretch.attempt > 1) await recoverOpenEntries(ports);
    await ports.store.finish({ state: "cancelled" });
  }

  await Promise.all(what.workers.map(worker));
  return { run, target, records, mostAtOnce };
}

/** What a worker that died, or lost its stretch, leaves behind. */
const survived = (fate: Fate) => (error: unknown) => {
  if (!(error instanceof Crash) && !(error instanceof LeaseLost) && !fate.dead) throw error;
};

async function check(what: Scenario, turn: () => Promise<unknown>): Promise<number> {
  const { run, target, records, mostAtOnce } = await play(what, turn);
  const { totals, letters, changes, sending } = run.books;
  const good = records.filter(({ bad }) => bad !== true).map(({ id }) => String(id));
  const asked = letters.filter(({ code }) => code === "may-have-arrived").map(({ key }) => key);
  const refused = letters.filter(({ code }) => code === "refused").map(({ key }) => key);
  // however it ends: it adds up, nothing took effect twice, nobody has two letters
  expect(totals.created + totals.unchanged + totals.dead).toBe(totals.read);
  expect(totals.dead).toBe(letters.length);
  expect(new Set(letters.map(({ key }) => key)).size).toBe(letters.length);
  expect(target.effects).toHaveLength(new Set(target.effects).size);
  for (const key of refused) expect(target.records.has(key)).toBe(false);
  const ledger = changes.filter(({ state }) => state === "done").map(({ key }) => key);
  expect(ledger).toHaveLength(new Set(ledger).size);
  expect(totals.created).toBe(ledger.length);
  expect(sending).toEqual([]);
  if (run.state === "cancelled") {
    expect(what.cancelAt).not.toBeNull();
    for (const key of ledger) expect(target.records.has(key), `${key} was not written`).toBe(true);
    for (const key of target.records.keys())
      expect([...ledger, ...asked], `${key} is not accounted for`).toContain(key);
    return mostAtOnce;
  }
  if (what.kind !== "neither") expect(asked).toEqual([]);
  expect(["succeeded", "succeeded_with_errors"]).toContain(run.state);
  expect(totals.read).toBe(records.length);
  for (const key of good) expect(target.records.has(key) || asked.includes(key), `${key} is lost`).toBe(true);
  expect([...ledger].sort()).toEqual(good.filter((key) => !asked.includes(key)).sort());
  return mostAtOnce;
}

const { numRuns, timeoutMs } = modelRuns(600);

/**
 * A run divided into stretches, as a model: the real engine in two or three workers whose effects are interleaved in any
 * order, each of which may die, or lose its stretch, before or after any of them.
 */
describe("stretches of a run", () => {
  it("without a fault, are worked on at once, and every record is written once", async () => {
    for (const kind of targets) {
      const records = Array.from({ length: 12 }, (_, at) => at === 5);
      const what = {
        kind,
        records,
        cuts: [4, 8],
        pageSize: 2,
        workers: [[], [], []],
        flakes: [],
        sliceMs: 1_000_000,
        cancelAt: null,
      };
      expect(await check(what, () => Promise.resolve())).toBe(3);
    }
  });

  it(
    "keep their promises whatever the order of effects, crashes, takeovers and passing failures",
    async () => {
      await fc.assert(
        fc.asyncProperty(scenario, fc.scheduler(), async (what, scheduler) => {
          await inAnyOrder(scheduler, (turn) => check(what, turn));
        }),
        { numRuns },
      );
    },
    timeoutMs,
  );
});
