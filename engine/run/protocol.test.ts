import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { executeFlow } from "./execute-flow.ts";
import { portsOf } from "./testing/memory-books.ts";
import { MemoryRun } from "./testing/memory-run.ts";
import { planOf, source } from "./testing/model-flow.ts";
import { modelRuns } from "./testing/model-runs.ts";
import { Crash, Fate, type Kind, MemoryTarget, targets } from "./testing/protocol-model.ts";

const scenario = fc.record({
  kind: fc.constantFrom(...targets),
  records: fc.array(fc.boolean(), { minLength: 1, maxLength: 24 }),
  pageSize: fc.integer({ min: 1, max: 9 }),
  crashes: fc.array(fc.record({ at: fc.integer({ min: 0, max: 30 }), after: fc.boolean(), takeover: fc.boolean() }), {
    maxLength: 7,
  }),
  flakes: fc.array(fc.boolean(), { maxLength: 12 }),
  halts: fc.array(fc.integer({ min: 1, max: 25 }), { maxLength: 3 }),
  lost: fc.array(fc.boolean(), { maxLength: 6 }),
  sliceMs: fc.constantFrom(0, 1_000_000),
});

async function play({
  kind,
  records: bads,
  pageSize,
  crashes,
  flakes,
  lost,
  halts,
  sliceMs,
}: Parameters<typeof check>[0]) {
  const records = bads.map((bad, index): JsonRecord => ({ id: `r${index}`, bad }));
  const plan = planOf(kind, pageSize);
  const run = new MemoryRun();
  const target = new MemoryTarget(kind);
  let halting = new AbortController();
  const wishes = [...halts];
  let untilWish = wishes.shift();
  // a person wants the run to stop after so many effects, and to go on at once when it has
  const onEffect = async () => {
    if (untilWish === undefined || --untilWish > 0) return;
    halting.abort();
    untilWish = wishes.shift();
  };
  const fate = new Fate(crashes, () => run.token++, onEffect);
  const luck = [...flakes];
  const losses = [...lost];
  for (let attempt = 1; attempt < 200; attempt++) {
    if (!["queued", "running", "waiting"].includes(run.state)) break;
    fate.live();
    run.state = "running";
    const token = ++run.token;
    // the source changes while the run is away
    const now = records.map((record): JsonRecord => ({ ...record, version: attempt }));
    const world = {
      ...{ kind, target, fate },
      flaky: () => luck.shift() ?? false,
      lost: () => losses.shift() ?? false,
    };
    halting = new AbortController();
    const ports = { ...portsOf(world, run.store(fate, token), source(now), attempt), halt: halting.signal };
    const job = {
      state: {
        runId: "1",
        page: run.page,
        totals: { ...run.books.totals },
        failures: 0,
        failingSince: null,
        stoppedAt: null,
      },
      flowId: "flw",
      mode: "live" as const,
      cursor: run.cursor,
      watermark: null,
      now: new Date(0),
      sliceMs,
      attempt,
    };
    await executeFlow(plan, job, ports).catch((error: unknown) => {
      if (!(error instanceof Crash) && !fate.dead) throw error;
    });
    if (!fate.dead && run.token !== token && run.state === "running") run.state = "queued";
  }
  return { run, target, records };
}

async function check(what: {
  kind: Kind;
  records: boolean[];
  pageSize: number;
  crashes: { at: number; after: boolean; takeover: boolean }[];
  flakes: boolean[];
  lost: boolean[];
  halts: number[];
  sliceMs: number;
}) {
  const { run, target, records } = await play(what);
  const good = records.filter(({ bad }) => bad !== true).map(({ id }) => String(id));
  const { totals, letters, changes, sending } = run.books;
  const asked = letters.filter(({ code }) => code === "may-have-arrived").map(({ key }) => key);
  const refused = letters.filter(({ code }) => code === "refused").map(({ key }) => key);
  expect(["succeeded", "succeeded_with_errors"]).toContain(run.state);
  expect(totals.read).toBe(records.length);
  expect(totals.created + totals.unchanged + totals.dead).toBe(records.length);
  expect(totals.dead).toBe(letters.length);
  // once each: nobody has two letters, nothing took effect twice
  expect(new Set(letters.map(({ key }) => key)).size).toBe(letters.length);
  expect(target.effects).toHaveLength(new Set(target.effects).size);
  // none lost: it is there, or a person was told that it may be
  for (const key of good) expect(target.records.has(key) || asked.includes(key), `${key} is lost`).toBe(true);
  for (const key of refused) expect(target.records.has(key)).toBe(false);
  if (what.kind !== "neither") expect(asked).toEqual([]);
  // the ledger says what the target holds
  const ledger = changes
    .filter(({ state, operation }) => state === "done" && operation === "create")
    .map(({ key }) => key);
  expect(ledger).toHaveLength(new Set(ledger).size);
  expect([...ledger].sort()).toEqual(good.filter((key) => !asked.includes(key)).sort());
  expect(totals.created).toBe(ledger.length);
  // a record whose source changed meanwhile is updated behind that; its last row is what is there
  const last = new Map(changes.flatMap(({ key, state, after }) => (state === "done" ? [[key, after]] : [])));
  for (const [key, after] of last) expect(after, `ledger row of ${key}`).toEqual(target.records.get(key));
  expect(target.versions).toHaveLength(new Set(target.versions).size);
  expect(sending).toEqual([]);
}

const { numRuns, timeoutMs } = modelRuns(1_500);

/**
 * The protocol of run, lease and checkpoint as a model: the real engine over a store and targets in memory, with a crash
 * before or after any of their effects. Whatever the moments of the crashes, afterwards every record has one outcome, the
 * target was changed once per record, and ledger, counters and target agree.
 */
describe("run, lease and checkpoint", () => {
  it("without a fault, every record is written once", async () => {
    for (const kind of targets)
      await check({
        kind,
        records: [false, true, false, false],
        pageSize: 3,
        crashes: [],
        flakes: [],
        lost: [],
        halts: [],
        sliceMs: 1_000_000,
      });
  });

  it(
    "keep their promises whatever the moments of crashes, takeovers, wishes to stop, passing failures and lost answers",
    async () => {
      await fc.assert(fc.asyncProperty(scenario, check), { numRuns });
    },
    timeoutMs,
  );
});
