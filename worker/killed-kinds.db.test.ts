import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { type FakeRest, seededRandom, startFakeRest } from "../connectors/testing/fake-rest.ts";
import { createConnection } from "../server/connections/change-connections.ts";
import { dismissLetters } from "../server/dead-letters/dismiss-letters.ts";
import { replayLetters } from "../server/dead-letters/replay-letters.ts";
import { cancelRun } from "../server/runs/cancel-run.ts";
import { getRunDetail } from "../server/runs/get-run.ts";
import { startRun } from "../server/runs/start-run.ts";
import { undoRun } from "../server/runs/undo-run.ts";
import { type FlowWorld, flowWorld } from "../server/testing/flow-world.ts";
import { publishedFlow, runToEnd, TEST_BRIEF } from "../server/testing/flows.ts";
import { killProcess, killWorkers, startWorker } from "./testing/worker-process.ts";

/**
 * Workers are killed at random moments, again and again, while each kind of run is at work: undo, replay, the turns of parked
 * and of kept records, a run that waits for its target, runs by schedule. The order of kills follows from the seed:
 * PLUMBLINE_TEST_SEED. The target takes one record at a time and can be read back; each change it takes is counted.
 */
const SEED = Number(process.env.PLUMBLINE_TEST_SEED ?? Math.floor(Math.random() * 1e9));
const KILLS = 4;
const ROWS = 200;
const random = seededRandom(SEED);

let world: FlowWorld;
let books: FakeRest;
let port: number;
let kills = 0;

const startBooks = (at = 0) =>
  startFakeRest({
    port: at,
    collections: { invoices: { key: "number", maxPageSize: 1000 } },
    idempotencyHeader: null,
    faults: { slow: 1, slowMs: 12 },
  });

beforeAll(async () => {
  console.log(`killed kinds: seed ${SEED}`);
  world = await flowWorld("killed_kinds");
  await world.client.query(
    "CREATE TABLE orders (id int PRIMARY KEY, customer text, name text, seen timestamptz NOT NULL)",
  );
  books = await startBooks();
  port = Number(new URL(books.url).port);
  const one = { path: "/invoices/{number}" };
  const sinks = [
    { name: "invoices", key: ["number"], create: { path: "/invoices" }, update: one, delete: one, read: one },
  ];
  await createConnection(world.ctx, { name: "Books", connector: "http", settings: { baseUrl: books.url, sinks } });
});
beforeEach(async () => {
  books.collection("invoices").records.clear();
  await world.client.query("TRUNCATE orders");
  await rows(ROWS);
});
afterEach(killWorkers);
afterAll(async () => {
  console.log(`killed kinds: ${kills} workers killed`);
  await books.close();
  await world.end();
});

const rows = (count: number, from = 1) =>
  world.client.query(
    "INSERT INTO orders SELECT i, 'c' || i % 100, 'order ' || i, now() FROM generate_series($1::int, $1 + $2::int - 1) i",
    [from, count],
  );

let flows = 0;
async function flow(middle: object[] = [], { read = {}, settings = {} } = {}): Promise<string> {
  const steps = [
    { id: "orders", kind: "read", connection: "Shop", stream: "orders", sync: "full", ...read },
    ...middle,
    {
      id: "map",
      kind: "map",
      fields: [
        { to: "number", from: "id" },
        { to: "name", from: "name" },
      ],
    },
    { id: "books", kind: "write", connection: "Books", sink: "invoices", operation: "upsert", match: ["number"] },
  ] as { id: string }[];
  const links = steps.slice(1).map(({ id }, at) => ({ from: steps[at]!.id, to: id }));
  const document = { format: "plumbline/1", name: `Killed ${++flows}`, brief: TEST_BRIEF, steps, links };
  return await publishedFlow(world.ctx, { ...document, settings: { pageSize: 40, ...settings } });
}

/** Runs a flow without anybody being killed. */
async function quietly(flowId: string): Promise<string> {
  const { id } = await startRun(world.ctx, { flowId, mode: "live" });
  books.faults.slow = 0;
  await runToEnd(world.database, id);
  books.faults.slow = 1;
  return id;
}

const query = async <T>(sql: string, values: unknown[] = []) =>
  (await world.database.pool.query(sql, values)).rows as T[];
const ended = async (runId: string) => (await getRunDetail(world.ctx, runId)).finishedAt !== null;

/** Kills the worker whenever some more has arrived, and starts the next one in its place, until there is nothing more to do. */
async function underKills(over: () => Promise<boolean>): Promise<void> {
  let worker = startWorker(world.database.url);
  for (let strike = 0; strike < KILLS; strike++) {
    const wanted = books.effects() + 1 + Math.floor(random() * 50);
    await vi.waitUntil(async () => books.effects() >= wanted || (await over()), { timeout: 60_000, interval: 4 });
    if (await over()) break;
    await killProcess(worker);
    kills++;
    worker = startWorker(world.database.url, { PLUMBLINE_FORMER_PID: String(worker.pid) });
  }
  await vi.waitUntil(over, { timeout: 90_000, interval: 50 });
}

const names = () =>
  [...books.collection("invoices").records.values()].map(({ number }) => Number(number)).sort((a, b) => a - b);
const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, at) => from + at);

/** The target holds each once, was changed once for each, and the ledger of these runs says the same. */
async function onceEach(wanted: number[], effects: number, runs: string): Promise<void> {
  expect(names(), `seed ${SEED}`).toEqual(wanted);
  expect(effects, `seed ${SEED}`).toBe(wanted.length);
  expect(
    await query(
      `SELECT count(*)::int AS n, count(DISTINCT record_key)::int AS keys FROM change WHERE state = 'done' AND run_id IN (${runs})`,
    ),
    `seed ${SEED}`,
  ).toEqual([{ n: wanted.length, keys: wanted.length }]);
  const unbalanced = await query(
    `SELECT id FROM run WHERE id IN (${runs}) AND read <> created + updated + deleted + unchanged + filtered + duplicate + dead + held`,
  );
  expect(unbalanced).toEqual([]);
}

const open = (flowId: string) =>
  query<{ id: string }>(
    "SELECT id FROM dead_letter WHERE flow_id = $1 AND state <> 'dismissed' AND state <> 'resolved'",
    [flowId],
  );
const idle = async (flowId: string) =>
  (await query("SELECT FROM run WHERE flow_id = $1 AND state IN ('queued', 'running', 'waiting') LIMIT 1", [flowId]))
    .length === 0;

it("an undo puts each record back once", async () => {
  const runId = await quietly(await flow());
  const before = books.effects();
  const { id } = await undoRun(world.ctx, { runId, preview: false, onConflict: "skip" });
  await underKills(() => ended(id));
  const { state, undoCounts } = await getRunDetail(world.ctx, id);
  expect({ state, ...undoCounts }, `seed ${SEED}`).toMatchObject({
    state: "succeeded",
    ...{ read: ROWS, restored: ROWS, conflict: 0, failed: 0 },
  });
  expect(names()).toEqual([]);
  expect(books.effects() - before, `seed ${SEED}`).toBe(ROWS);
  expect(
    await query(
      "SELECT count(*)::int AS n, count(DISTINCT record_key)::int AS keys FROM change WHERE run_id = $1 AND state = 'done'",
      [id],
    ),
  ).toEqual([{ n: ROWS, keys: ROWS }]);
  expect(await query("SELECT DISTINCT undo FROM change WHERE run_id = $1 AND state = 'done'", [runId])).toEqual([
    { undo: "done" },
  ]);
}, 180_000);

it("a replay writes each failed record once, and settles its letter", async () => {
  const check = { id: "check", kind: "check", rules: [{ field: "name", is: "email" }], otherwise: "dead" };
  const flowId = await flow([check]);
  await quietly(flowId);
  const before = books.effects();
  const ids = (await open(flowId)).map(({ id }) => id);
  const patch = { name: "ana@example.com" };
  const { id } = await replayLetters(world.ctx, { ids, patch, from: "step", version: "live" });
  await underKills(() => ended(id));
  expect((await getRunDetail(world.ctx, id)).state, `seed ${SEED}`).toBe("succeeded");
  expect(await open(flowId)).toEqual([]);
  await onceEach(upTo(ROWS), books.effects() - before, id);
}, 180_000);

it("records that were parked behind a failed one of their key have their turn once", async () => {
  await world.client.query("UPDATE orders SET name = NULL WHERE id <= 100"); // of each key the first fails, the second waits
  const check = { id: "check", kind: "check", rules: [{ field: "name", required: true }], otherwise: "dead" };
  const flowId = await flow([check], { settings: { order: "by-key", key: "customer" } });
  await quietly(flowId);
  const before = books.effects();
  await dismissLetters(world.ctx, { ids: (await open(flowId)).map(({ id }) => id), note: "not needed" });
  const left = () => query("SELECT FROM parked_record WHERE flow_id = $1 LIMIT 1", [flowId]);
  await underKills(async () => (await left()).length === 0 && (await idle(flowId)));
  await onceEach(
    upTo(ROWS, 101),
    books.effects() - before,
    `SELECT id FROM run WHERE flow_id = '${flowId}' AND kind = 'replay'`,
  );
}, 180_000);

it("records that a wait kept go on once", async () => {
  const flowId = await flow([{ id: "later", kind: "wait", for: "1h" }]);
  await quietly(flowId);
  const before = books.effects();
  await query("UPDATE held_part SET due_at = now() - interval '1 second' WHERE flow_id = $1", [flowId]);
  const left = () =>
    query("SELECT FROM held_part WHERE flow_id = $1 AND state IN ('open', 'decided') LIMIT 1", [flowId]);
  await underKills(async () => (await left()).length === 0 && (await idle(flowId)));
  await onceEach(
    upTo(ROWS),
    books.effects() - before,
    `SELECT id FROM run WHERE flow_id = '${flowId}' AND kind = 'replay'`,
  );
}, 180_000);

it("a run that waits for its target goes on within 30 s of its return, whoever dies while it waits", async () => {
  const flowId = await flow([], { settings: { retry: { attempts: 2, for: "1m" } } });
  const { id } = await startRun(world.ctx, { flowId, mode: "live" });
  let worker = startWorker(world.database.url);
  await vi.waitUntil(() => names().length > 50, { timeout: 60_000, interval: 4 });
  const arrived = new Map(books.collection("invoices").records);
  await books.close();
  const waits = "SELECT failures FROM run WHERE id = $1 AND state = 'waiting' AND wait_reason = 'target'";
  await vi.waitUntil(async () => (await query(waits, [id])).length === 1, { timeout: 60_000, interval: 20 });
  for (let strike = 0; strike < 3; strike++) {
    await sleep(300 + random() * 4_000); // a probe comes after 3 s, 6 s, 12 s …
    await killProcess(worker);
    kills++;
    worker = startWorker(world.database.url, { PLUMBLINE_FORMER_PID: String(worker.pid) });
  }
  expect(await query(waits, [id])).toEqual([{ failures: 0 }]);
  books = await startBooks(port);
  for (const [key, record] of arrived) books.collection("invoices").records.set(key, record);
  await vi.waitUntil(() => names().length > arrived.size, { timeout: 30_000, interval: 20 });
  await vi.waitUntil(() => ended(id), { timeout: 60_000, interval: 50 });
  const { state, counts, balanced } = await getRunDetail(world.ctx, id);
  expect({ state, balanced }, `seed ${SEED}`).toEqual({ state: "succeeded", balanced: true });
  expect(counts).toMatchObject({ read: ROWS, held: 0, dead: 0 });
  await onceEach(upTo(ROWS), books.effects() + arrived.size, id);
}, 180_000);

it("a run that several work on and that is cancelled ends within seconds, and says what it wrote", async () => {
  await rows(ROWS, ROWS + 1);
  const flowId = await flow([], { settings: { pageSize: 1000 } });
  const { id } = await startRun(world.ctx, { flowId, mode: "live" });
  books.faults.slowMs = 250;
  startWorker(world.database.url, { PLUMBLINE_STRETCH_ROWS: "1250", PLUMBLINE_WORKER_STRETCHES: "3" });
  await vi.waitUntil(() => names().length > 30, { timeout: 60_000, interval: 4 });
  expect(await query("SELECT FROM run WHERE id = $1 AND stretches > 3", [id])).toHaveLength(1);
  await cancelRun(world.ctx, id);
  await vi.waitUntil(() => ended(id), { timeout: 10_000, interval: 20 });
  books.faults.slowMs = 12;
  const { state, counts, balanced } = await getRunDetail(world.ctx, id);
  const there = names();
  expect({ state, balanced }).toEqual({ state: "cancelled", balanced: true });
  expect(there.length).toBeLessThan(2 * ROWS);
  expect(counts).toMatchObject({ read: there.length, created: there.length, dead: 0 });
  await sleep(1_000);
  await onceEach(there, there.length, id);
}, 120_000);

it("runs by schedule read what is new once, however often they are cut off", async () => {
  const flowId = await flow([], { read: { sync: "incremental", watermark: "seen", every: "1m" } });
  const before = books.effects();
  let next = ROWS + 1;
  const writing = setInterval(() => {
    next += 10;
    rows(10, next - 10).catch(() => {});
  }, 300);
  const due = setInterval(() => {
    query("UPDATE schedule SET next_run_at = now() - interval '1 second' WHERE flow_id = $1", [flowId]).catch(() => {});
  }, 1_000);
  let stopping = false;
  await underKills(async () => {
    if (kills === 0 || books.effects() - before < ROWS + 100) return false;
    if (!stopping) {
      stopping = true;
      clearInterval(writing);
      await sleep(2_000);
    }
    return books.effects() - before >= next - 1 && (await idle(flowId));
  }).finally(() => {
    clearInterval(writing);
    clearInterval(due);
  });
  await killWorkers();
  await onceEach(upTo(next - 1), books.effects() - before, `SELECT id FROM run WHERE flow_id = '${flowId}'`);
}, 180_000);
