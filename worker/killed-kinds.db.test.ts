import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { seededRandom } from "../connectors/testing/fake-rest.ts";
import { dismissLetters } from "../server/dead-letters/dismiss-letters.ts";
import { replayLetters } from "../server/dead-letters/replay-letters.ts";
import { pauseFlow } from "../server/flows/pause-flow.ts";
import { cancelRun } from "../server/runs/cancel-run.ts";
import { startRun } from "../server/runs/start-run.ts";
import { undoRun } from "../server/runs/undo-run.ts";
import { type BooksWorld, booksWorld, ORDERS, upTo } from "./testing/books-world.ts";
import { type KeptWorker, keepWorker, killWorkers, startWorker } from "./testing/worker-process.ts";

/**
 * The worker, or the product's database server alone, is killed at random moments, again and again, while each kind of run is at
 * work: undo, replay, keys that are parked and released, records that were kept, runs by schedule. The order of kills follows
 * from the seed: PLUMBLINE_TEST_SEED.
 */
const SEED = Number(process.env.PLUMBLINE_TEST_SEED ?? Math.floor(Math.random() * 1e9));
/** Promised: work goes on by itself within so long. */
const RESUMES_WITHIN_MS = 30_000;
const about = `seed ${SEED}`;
const random = seededRandom(SEED);

let world: BooksWorld;
const kills = { worker: 0, database: 0 };

beforeAll(async () => {
  console.log(`killed kinds: ${about}`);
  world = await booksWorld("killed_kinds");
}, 120_000);
beforeEach(() => world.reset());
afterEach(killWorkers);
afterAll(async () => {
  console.log(`killed kinds: killed ${kills.worker} workers and the database ${kills.database} times`);
  await world?.end();
});

type Victim = keyof typeof kills;
const strikes: { [victim in Victim]: (worker: KeptWorker) => Promise<void> } = {
  worker: (worker) => worker.kill(),
  async database() {
    world.database.kill();
    await sleep(random() * 1_500);
    await world.database.startAgain();
  },
};

/** Whether there is nothing more to do, once `wanted` changes were made in all or nothing has moved for a while. */
async function arrive(wanted: number, timeoutMs: number, over: () => Promise<boolean>): Promise<boolean> {
  let [effects, since] = [-1, Date.now()];
  let asked = 0;
  for (const end = since + timeoutMs; Date.now() < end; await sleep(4)) {
    if (world.effects() >= wanted) return await over();
    if (world.effects() !== effects) [effects, since] = [world.effects(), Date.now()];
    else if (Date.now() - Math.max(since + 400, asked) > 100) {
      if (await over()) return true;
      asked = Date.now();
    }
  }
  throw new Error(`Nothing moved for ${timeoutMs} ms, ${about}.`);
}

/**
 * Kills the victim `times` times, each at a random moment of the changes still to come, and waits until there is nothing
 * more to do.
 *
 * @param changes that are to be made meanwhile
 */
async function underKills(victim: Victim, times: number, changes: number, over: () => Promise<boolean>): Promise<void> {
  const worker = keepWorker(world.database.url);
  const part = changes / times;
  for (let strike = 0; strike < times; strike++) {
    if (await arrive(world.effects() + 1 + Math.floor(random() * (part - 15)), 60_000, over)) break;
    await strikes[victim](worker);
    kills[victim]++;
    if (await arrive(world.effects() + 1, RESUMES_WITHIN_MS, over)) break;
  }
  await vi.waitUntil(over, { timeout: 90_000, interval: 50 });
  await killWorkers();
}

const openLetters = (flowId: string) =>
  world.database.ask<{ id: string; order: number }>(
    `SELECT id, (data->>'id')::int AS order FROM dead_letter WHERE flow_id = $1 AND state <> 'dismissed' AND state <> 'resolved'`,
    [flowId],
  );

describe.each<[Victim, number]>([
  ["worker", 4],
  ["database", 2],
])("while the %s is killed", { timeout: 180_000 }, (victim, times) => {
  it("an undo puts each record back once", async () => {
    const runId = await world.quietly(await world.flow());
    const before = world.effects();
    const { id } = await undoRun(world.ctx, { runId, preview: false, onConflict: "skip" });
    await underKills(victim, times, ORDERS, () => world.ended(id));
    const { state, undoCounts } = await world.run(id);
    expect({ state, ...undoCounts }, about).toMatchObject({
      state: "succeeded",
      ...{ read: ORDERS, restored: ORDERS, conflict: 0, failed: 0 },
    });
    expect(world.arrived()).toEqual([]);
    expect(world.effects() - before, about).toBe(ORDERS);
    const done =
      "SELECT count(*)::int AS n, count(DISTINCT record_key)::int AS keys FROM change WHERE run_id = $1 AND state = 'done'";
    expect(await world.database.ask(done, [id])).toEqual([{ n: ORDERS, keys: ORDERS }]);
    const undone = "SELECT DISTINCT undo FROM change WHERE run_id = $1 AND state = 'done'";
    expect(await world.database.ask(undone, [runId])).toEqual([{ undo: "done" }]);
  });

  it("a replay writes each failed record once, and settles its letter", async () => {
    const check = { id: "check", kind: "check", rules: [{ field: "name", is: "email" }], otherwise: "dead" };
    const flowId = await world.flow([check]);
    await world.quietly(flowId);
    const before = world.effects();
    const ids = (await openLetters(flowId)).map(({ id }) => id);
    const patch = { name: "ana@example.com" };
    const { id } = await replayLetters(world.ctx, { ids, patch, from: "step", version: "live" });
    await underKills(victim, times, ORDERS, () => world.ended(id));
    expect((await world.run(id)).state, about).toBe("succeeded");
    expect(await openLetters(flowId)).toEqual([]);
    await world.expectOnceEach(upTo(ORDERS), world.effects() - before, id, about);
  });

  it("keys are parked behind a failed record, and released in their order once that is settled", async () => {
    // of every second customer the first record fails, and the second waits behind it
    await world.client.query("UPDATE orders SET name = NULL WHERE id <= 100 AND id % 2 = 1");
    const check = { id: "check", kind: "check", rules: [{ field: "name", required: true }], otherwise: "dead" };
    const flowId = await world.flow([check], { settings: { order: "by-key", key: "customer" } });
    const before = world.effects();
    const { id } = await startRun(world.ctx, { flowId, mode: "live" });
    await underKills(victim, times / 2, 100, () => world.ended(id));
    const { counts } = await world.run(id);
    expect(counts, about).toMatchObject({ read: ORDERS, created: 100, dead: 50, held: 50 });

    const letters = await openLetters(flowId);
    const [dismissed, replayed] = [1, 3].map((rest) => letters.filter(({ order }) => order % 4 === rest));
    await dismissLetters(world.ctx, { ids: dismissed!.map((letter) => letter.id), note: "not needed" });
    const ids = replayed!.map((letter) => letter.id);
    await replayLetters(world.ctx, { ids, patch: { name: "found" }, from: "step", version: "live" });
    const parked = () => world.database.ask("SELECT FROM parked_record WHERE flow_id = $1 LIMIT 1", [flowId]);
    await underKills(victim, times / 2, 75, async () => (await parked()).length === 0 && (await world.idle(flowId)));
    expect(await openLetters(flowId)).toEqual([]);
    const runs = `SELECT id FROM run WHERE flow_id = '${flowId}'`;
    const gone = new Set(dismissed!.map(({ order }) => order));
    const wanted = upTo(ORDERS).filter((order) => !gone.has(order));
    await world.expectOnceEach(wanted, world.effects() - before, runs, about);
    const arrived = world.arrived();
    const overtaken = replayed!.filter(({ order }) => arrived.indexOf(order) > arrived.indexOf(order + 100));
    expect(overtaken, about).toEqual([]);
  });

  it("records that a wait kept go on once", async () => {
    const flowId = await world.flow([{ id: "later", kind: "wait", for: "1h" }]);
    await world.quietly(flowId);
    const before = world.effects();
    await world.database.ask("UPDATE held_part SET due_at = now() - interval '1 second' WHERE flow_id = $1", [flowId]);
    const kept = () =>
      world.database.ask("SELECT FROM held_part WHERE flow_id = $1 AND state IN ('open', 'decided') LIMIT 1", [flowId]);
    await underKills(victim, times, ORDERS, async () => (await kept()).length === 0 && (await world.idle(flowId)));
    const runs = `SELECT id FROM run WHERE flow_id = '${flowId}' AND kind = 'replay'`;
    await world.expectOnceEach(upTo(ORDERS), world.effects() - before, runs, about);
  });

  it("runs by schedule read what is new once, however often they are cut off", async () => {
    const flowId = await world.flow([], { read: { sync: "incremental", watermark: "seen", every: "1m" } });
    const before = world.effects();
    let last = ORDERS;
    const writing = setInterval(() => {
      last += 10;
      world.addOrders(10, last - 9).catch(() => {});
    }, 300);
    const due = setInterval(() => {
      const now = "UPDATE schedule SET next_run_at = now() - interval '1 second' WHERE flow_id = $1";
      world.database.pool.query(now, [flowId]).catch(() => {}); // the database may be dead just now
    }, 1_000);
    let stopping = false;
    await underKills(victim, times, ORDERS + 100, async () => {
      if (world.effects() - before < ORDERS + 100) return false;
      if (!stopping) {
        stopping = true;
        clearInterval(writing);
        await sleep(2_000);
      }
      return world.effects() - before >= last && (await world.idle(flowId));
    }).finally(() => {
      clearInterval(writing);
      clearInterval(due);
    });
    const runs = `SELECT id FROM run WHERE flow_id = '${flowId}'`;
    await world.expectOnceEach(upTo(last), world.effects() - before, runs, about);
    await pauseFlow(world.ctx, flowId); // or its next time comes in the middle of another test
  });
});

it("a run that waits for its target goes on within 30 s of its return, whoever dies while it waits", async () => {
  const flowId = await world.flow([], { settings: { retry: { attempts: 2, for: "1m" } } });
  const { id } = await startRun(world.ctx, { flowId, mode: "live" });
  const worker = keepWorker(world.database.url);
  await vi.waitUntil(() => world.arrived().length > 50, { timeout: 60_000, interval: 4 });
  const startBooks = await world.stopBooks();
  const before = world.arrived().length;
  const waits = () =>
    world.database.ask("SELECT failures FROM run WHERE id = $1 AND state = 'waiting' AND wait_reason = 'target'", [id]);
  await vi.waitUntil(async () => (await waits()).length === 1, { timeout: 60_000, interval: 20 });
  for (const victim of ["worker", "database", "worker"] as const) {
    await sleep(300 + random() * 4_000); // a probe comes after 3 s, 6 s, 12 s …
    await strikes[victim](worker);
    kills[victim]++;
  }
  expect(await waits()).toEqual([{ failures: 0 }]);
  await startBooks();
  await vi.waitUntil(() => world.arrived().length > before, { timeout: RESUMES_WITHIN_MS, interval: 20 });
  await vi.waitUntil(() => world.ended(id), { timeout: 60_000, interval: 50 });
  const { state, counts, balanced } = await world.run(id);
  expect({ state, balanced }, about).toEqual({ state: "succeeded", balanced: true });
  expect(counts).toMatchObject({ read: ORDERS, held: 0, dead: 0 });
  await world.expectOnceEach(upTo(ORDERS), world.effects() + before, id, about);
}, 180_000);

it("a run that several work on and that is cancelled ends within seconds, and says what it wrote", async () => {
  await world.addOrders(ORDERS, ORDERS + 1);
  const flowId = await world.flow([], { settings: { pageSize: 1000 } });
  const before = world.effects();
  const { id } = await startRun(world.ctx, { flowId, mode: "live" });
  world.slow(250);
  startWorker(world.database.url, { PLUMBLINE_STRETCH_ROWS: "1250", PLUMBLINE_WORKER_STRETCHES: "3" });
  await vi.waitUntil(() => world.arrived().length > 30, { timeout: 60_000, interval: 4 });
  expect(await world.database.ask("SELECT FROM run WHERE id = $1 AND stretches > 3", [id])).toHaveLength(1);
  await cancelRun(world.ctx, id);
  await vi.waitUntil(() => world.ended(id), { timeout: 10_000, interval: 20 });
  world.slow();
  const { state, counts, balanced } = await world.run(id);
  const there = world.arrived().sort((a, b) => a - b);
  expect({ state, balanced }).toEqual({ state: "cancelled", balanced: true });
  expect(there.length).toBeLessThan(2 * ORDERS);
  expect(counts).toMatchObject({ read: there.length, created: there.length, dead: 0 });
  await sleep(1_000);
  await world.expectOnceEach(there, world.effects() - before, id, about);
}, 120_000);
