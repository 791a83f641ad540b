import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../connectors/sdk/types.ts";
import { LeaseLost, type RunStore } from "../ports.ts";
import { executeFlow } from "./execute-flow.ts";
import { ChangingSource } from "./testing/changing-source.ts";
import { portsOf } from "./testing/memory-books.ts";
import { MemoryRun } from "./testing/memory-run.ts";
import { MemoryStretches, type Stretch } from "./testing/memory-stretches.ts";
import { planOf } from "./testing/model-flow.ts";
import { inAnyOrder, modelRuns } from "./testing/model-runs.ts";
import { Crash, Fate, MemoryTarget } from "./testing/protocol-model.ts";

const crash = fc.record({ at: fc.integer({ min: 0, max: 20 }), after: fc.boolean(), takeover: fc.boolean() });
const scenario = fc.record({
  kind: fc.constantFrom("transaction" as const, "read-back" as const),
  /** by place, whether the target refuses it */
  rows: fc.array(fc.boolean(), { minLength: 1, maxLength: 16 }),
  cuts: fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 3 }),
  pageSize: fc.integer({ min: 1, max: 6 }),
  workers: fc.array(fc.array(crash, { maxLength: 3 }), { minLength: 1, maxLength: 3 }),
  changes: fc.array(
    fc.record({
      at: fc.integer({ min: 0, max: 60 }),
      what: fc.constantFrom("change" as const, "insert" as const, "late" as const),
      which: fc.nat({ max: 15 }),
    }),
    { maxLength: 10 },
  ),
  sliceMs: fc.constantFrom(0, 1_000_000),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

const idOf = (at: number) => `r${String(at).padStart(2, "0")}`;

async function check(what: Scenario, turn: () => Promise<unknown>): Promise<void> {
  const { kind } = what;
  const source = new ChangingSource();
  for (const [at, bad] of what.rows.entries()) source.put(idOf(at), { bad });
  const target = new MemoryTarget(kind, "upsert");
  const plan = planOf(kind, what.pageSize, { follows: true, operation: "upsert" });
  // as server/runs/divide-run.ts does it: before anything is read
  const mark = source.mark;
  const ends = [...new Set(what.cuts)].sort((a, b) => a - b).map(idOf);
  const load = new MemoryStretches([null, ...ends].map((from, at): Json => [from, ends[at] ?? null]));
  const due = what.changes.toSorted((a, b) => a.at - b.at);
  let effects = 0;
  let inserted = 0;
  const changes = async () => {
    await turn();
    effects++;
    for (let next = due[0]; next && next.at <= effects; next = due[0]) {
      due.shift();
      const known = idOf(next.which % what.rows.length);
      if (next.what === "insert") source.put(`${known}.${inserted++}`);
      else source.put(known, { late: next.what === "late" });
    }
  };

  async function attempt(
    store: RunStore,
    fate: Fate,
    of: Pick<Stretch, "page" | "cursor" | "attempt"> & object,
    more: object,
  ) {
    const ports = portsOf({ kind, target, fate, flaky: () => false }, store, source.read, of.attempt);
    const totals = { ...load.books.totals };
    const state = { runId: "1", page: of.page, totals, failures: 0, failingSince: null, stoppedAt: null };
    const job = {
      ...{ state, flowId: "flw", mode: "live" as const, cursor: of.cursor, watermark: null },
      ...{ now: new Date(0), sliceMs: what.sliceMs, attempt: of.attempt, ...more },
    };
    await executeFlow(plan, job, ports).catch((error: unknown) => {
      if (!(error instanceof Crash) && !(error instanceof LeaseLost) && !fate.dead) throw error;
    });
  }

  async function worker(crashes: Scenario["workers"][number]): Promise<void> {
    let held: { stretch: Stretch; token: number } | undefined;
    const giveBack = () => held && load.takeBack(held.stretch, held.token);
    const planned = kind === "transaction" ? crashes : crashes.map((one) => ({ ...one, takeover: false }));
    const fate = new Fate(planned, giveBack, changes);
    for (let round = 0; load.state === "running"; round++) {
      if (round > 2_000) throw new Error(`The load finds no end: ${JSON.stringify(load.stretches)}`);
      await turn();
      giveBack();
      held = undefined;
      fate.live();
      const stretch = load.claim();
      if (!stretch) continue;
      held = { stretch, token: stretch.token };
      await attempt(load.store(fate, stretch), fate, stretch, { range: stretch.range });
    }
  }

  await Promise.all(what.workers.map(worker));
  const { books } = load;
  expect(["succeeded", "succeeded_with_errors"]).toContain(load.state);
  const { read, created, updated, unchanged, dead } = books.totals;
  expect(created + updated + unchanged + dead).toBe(read);
  expect(books.sending).toEqual([]);

  // the runs after it read on from the mark
  const calm = new Fate([], () => {}, changes);
  let position: Json = mark;
  for (let number = 2; ; number++) {
    const run = new MemoryRun();
    run.position = position;
    run.state = "running";
    const quiet = due.length === 0;
    const job = { watermark: position, sliceMs: 1_000_000 };
    const begun = { page: 0, cursor: null, attempt: 1 };
    await attempt(run.store(calm, 0), calm, begun, {
      ...job,
      state: {
        ...{ runId: String(number), page: 0, totals: { ...run.books.totals } },
        ...{ failures: 0, failingSince: null, stoppedAt: null },
      },
    });
    position = run.position;
    if (quiet && run.books.totals.read === 0) break;
    if (run.books.totals.read === 0) effects = Math.max(effects, 100);
  }
  // each row is there as the source has it, and no version of one was written twice
  for (const row of source.rows.values())
    if (row.bad) expect(target.records.has(row.id)).toBe(false);
    else expect(target.records.get(row.id), `${row.id} is lost`).toEqual(row);
  expect(target.versions).toHaveLength(new Set(target.versions).size);
}

const { numRuns, timeoutMs } = modelRuns(500);

/**
 * The first load of an incremental read, divided: its mark is taken before anything is read, its stretches end in any order and
 * are repeated after crashes, while rows change, are inserted and are committed late.
 */
describe("a divided first load", () => {
  it(
    "and the runs after it miss no row and write none twice",
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
