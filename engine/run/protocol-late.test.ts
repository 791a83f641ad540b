import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { LeaseLost } from "../ports.ts";
import { executeFlow } from "./execute-flow.ts";
import { recoverWhatAnswers } from "./recover.ts";
import { portsOf } from "./testing/memory-books.ts";
import { MemoryRun } from "./testing/memory-run.ts";
import { planOf, source } from "./testing/model-flow.ts";
import { modelRuns } from "./testing/model-runs.ts";
import { Crash, Fate, type Kind, MemoryTarget, type Operation } from "./testing/protocol-model.ts";

type Target = { kind: Kind; operation: Operation };

/** A request may be on its way for longer than anybody waits, and these keep their promises all the same. */
const certain: Target[] = [
  { kind: "keys", operation: "insert" },
  { kind: "both", operation: "insert" },
  { kind: "neither", operation: "insert" },
];
/** What these read back is certain after a while only. */
const reading: Target[] = [
  { kind: "read-back", operation: "insert" },
  { kind: "read-back", operation: "upsert" },
  { kind: "both", operation: "insert" },
];

const crash = fc.record({
  at: fc.integer({ min: 0, max: 25 }),
  after: fc.boolean(),
  takeover: fc.boolean(),
  late: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined, freq: 3 }),
});

const scenarioOf = (targets: Target[]) =>
  fc.record({
    target: fc.constantFrom(...targets),
    records: fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }),
    pageSize: fc.integer({ min: 1, max: 6 }),
    crashes: fc.array(crash, { maxLength: 5 }),
    /** whether records change in the source while the run is away */
    changes: fc.boolean(),
    /** a person cancels the run before this attempt at it */
    cancelAt: fc.option(fc.integer({ min: 2, max: 4 }), { freq: 4 }),
  });
type Scenario = ReturnType<typeof scenarioOf> extends fc.Arbitrary<infer T> ? T : never;

async function check(what: Scenario, waits: boolean) {
  const { kind, operation } = what.target;
  const target = new MemoryTarget(kind, operation);
  const plan = planOf(kind, what.pageSize, { operation });
  const run = new MemoryRun();
  const fate = new Fate(
    what.crashes.map(({ late, ...one }) => (late === undefined ? one : { ...one, late })),
    () => run.token++,
  );
  for (let attempt = 1; ["queued", "running", "waiting"].includes(run.state); attempt++) {
    if (attempt > 100) throw new Error(`The run finds no end: ${fate.trail.join(", ")}`);
    fate.live();
    run.state = "running";
    const token = ++run.token;
    const version = what.changes ? attempt : 1;
    const records = what.records.map((bad, index): JsonRecord => ({ id: `r${index}`, bad, version }));
    const world = { kind, target, fate, flaky: () => false, waits };
    const ports = portsOf(world, run.store(fate, token), source(records), attempt);
    const state = {
      ...{ runId: "1", page: run.page, totals: { ...run.books.totals } },
      ...{ failures: 0, failingSince: null, stoppedAt: null },
    };
    const job = {
      ...{ state, flowId: "flw", mode: "live" as const, cursor: run.cursor, watermark: null },
      ...{ now: new Date(0), sliceMs: 1_000_000, attempt },
    };
    // as server/runs/execute-run.ts ends one that was cancelled
    const cancelled = async () => {
      await recoverWhatAnswers(ports);
      await ports.store.finish({ state: "cancelled" });
    };
    // whoever ends a run asks what is there, and sends nothing again that would tell by its key
    const cancels = what.cancelAt !== null && attempt >= what.cancelAt && (waits || kind !== "both");
    await (cancels ? cancelled() : executeFlow(plan, job, ports)).catch((error: unknown) => {
      if (!(error instanceof Crash) && !(error instanceof LeaseLost) && !fate.dead) throw error;
    });
    if (!fate.dead && run.token !== token && run.state === "running") run.state = "queued";
  }
  fate.arrive(); // the very last
  const { totals, letters, changes, sending } = run.books;
  const told = fate.trail.join(", ");
  const good = what.records.flatMap((bad, index) => (bad ? [] : [`r${index}`]));
  const asked = letters.filter(({ code }) => code === "may-have-arrived").map(({ key }) => key);
  const created = changes.filter(({ state, operation: done }) => state === "done" && done === "create");
  const ledger = created.map(({ key }) => key);
  // it adds up, nothing took effect twice, and what is there was written by the ledger, or a person was told that it may be
  expect(totals.read).toBe(totals.created + totals.updated + totals.unchanged + totals.duplicate + totals.dead);
  expect(letters).toHaveLength(new Set(letters.map(({ key }) => key)).size);
  expect(target.effects, told).toHaveLength(new Set(target.effects).size);
  expect(ledger, told).toHaveLength(new Set(ledger).size);
  const certainly = (keys: Iterable<string>) => [...keys].filter((key) => !asked.includes(key)).sort();
  expect(certainly(ledger), told).toEqual(certainly(target.records.keys()));
  expect(sending).toEqual([]);
  if (run.state === "cancelled") return;
  expect(["succeeded", "succeeded_with_errors"]).toContain(run.state);
  if (kind !== "neither") expect(asked, told).toEqual([]);
  for (const key of good) expect(target.records.has(key) || asked.includes(key), `${key} is lost: ${told}`).toBe(true);
}

const { numRuns, timeoutMs } = modelRuns(1_000);

/**
 * Requests that outlive their worker: it was killed, or froze and was taken for dead, with a request on its way to a target without
 * transactions, which carries it out when others are at work on the run already.
 */
describe("a request that arrives late", () => {
  it(
    "does no harm where the target knows idempotency keys, or a person is asked, however late it is",
    async () => {
      await fc.assert(
        fc.asyncProperty(scenarioOf(certain), (what) => check(what, false)),
        { numRuns },
      );
    },
    timeoutMs,
  );

  it(
    "does no harm where what was sent can be read back, if it is there after a while",
    async () => {
      await fc.assert(
        fc.asyncProperty(scenarioOf(reading), (what) => check(what, true)),
        { numRuns },
      );
    },
    timeoutMs,
  );
});
