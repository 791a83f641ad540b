import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type FakeRest, startFakeRest } from "../../connectors/testing/fake-rest.ts";
import { createConnection } from "../connections/change-connections.ts";
import { dismissLetters } from "../dead-letters/dismiss-letters.ts";
import { replayLetters } from "../dead-letters/replay-letters.ts";
import { pauseFlow } from "../flows/pause-flow.ts";
import { resumeFlow } from "../flows/resume-flow.ts";
import { type FlowWorld, flowWorld } from "../testing/flow-world.ts";
import { publishedFlow, runToEnd, TEST_BRIEF } from "../testing/flows.ts";
import { cancelRun } from "./cancel-run.ts";
import { getRunDetail } from "./get-run.ts";
import { startContinuations } from "./run-held.ts";
import { startReleases } from "./run-parked.ts";
import { startRun } from "./start-run.ts";

/**
 * Runs that are asked to stop while a page takes long. The target knows no idempotency keys and cannot be read back: what is
 * sent twice is there twice.
 */
let world: FlowWorld;
let books: FakeRest;
const ROWS = 300;
/** from the wish to the end of the run, on a machine with other things to do */
const SOON_MS = 8_000;

beforeAll(async () => {
  world = await flowWorld("cancel");
  const { client } = world;
  await client.query("CREATE TABLE orders (id int PRIMARY KEY, name text)");
  await client.query("INSERT INTO orders SELECT i, 'order ' || i FROM generate_series(1, $1::int) i", [ROWS]);
  books = await startFakeRest({
    seed: 7,
    collections: { invoices: { key: "id", assignIds: true, style: "none", maxPageSize: 1000 } },
    idempotencyHeader: null,
  });
  const sinks = [{ name: "invoices", key: [], create: { path: "/invoices" } }];
  await createConnection(world.ctx, { name: "Books", connector: "http", settings: { baseUrl: books.url, sinks } });
});
beforeEach(() => {
  books.collection("invoices").records.clear();
});
afterEach(() => {
  Object.assign(books.faults, { slow: 0, unavailable: 0, retryAfterS: null });
});
afterAll(async () => {
  await books.close();
  await world.end();
});

let count = 0;
const flow = (middle: object[] = [], settings: object = {}) => {
  const steps = [
    { id: "orders", kind: "read", connection: "Shop", stream: "orders", sync: "full" },
    ...middle,
    {
      id: "map",
      kind: "map",
      fields: [
        { to: "number", from: "id" },
        { to: "name", from: "name" },
      ],
    },
    { id: "books", kind: "write", connection: "Books", sink: "invoices", operation: "insert" },
  ] as { id: string }[];
  const links = steps.slice(1).map(({ id }, at) => ({ from: steps[at]!.id, to: id }));
  return { format: "plumbline/1", name: `Stopped ${++count}`, brief: TEST_BRIEF, steps, links, settings };
};

const numbers = () => [...books.collection("invoices").records.values()].map(({ number }) => Number(number));
const ledgerOf = async (runId: string) =>
  (
    await world.database.pool.query<{ n: number }>(
      "SELECT (after->>'number')::int AS n FROM change WHERE run_id = $1 AND state = 'done'",
      [runId],
    )
  ).rows.map(({ n }) => n);
const stateOf = async (runId: string) => (await getRunDetail(world.ctx, runId)).state;

/** Executes the run and, once so many records have arrived, does what somebody does. @returns milliseconds until the run was given back */
async function interrupt(runId: string, arrived: number, act: () => Promise<unknown>): Promise<number> {
  const running = runToEnd(world.database, runId);
  await vi.waitUntil(() => numbers().length >= arrived, { timeout: 60_000, interval: 5 });
  const actedAt = Date.now();
  await act();
  await running;
  return Date.now() - actedAt;
}

const slowly = () => Object.assign(books.faults, { slow: 1, slowMs: 150 });

describe("a run that is cancelled in the middle of a long page", () => {
  it("ends within seconds; what was sent is counted and in the ledger, the rest is not sent", async () => {
    const flowId = await publishedFlow(world.ctx, flow());
    slowly();
    const { id } = await startRun(world.ctx, { flowId, mode: "live" });
    const ms = await interrupt(id, 20, () => cancelRun(world.ctx, id));
    expect(ms).toBeLessThan(SOON_MS);
    const { state, counts, balanced } = await getRunDetail(world.ctx, id);
    const there = numbers();
    expect(there.length).toBeLessThan(ROWS);
    expect({ state, balanced }).toEqual({ state: "cancelled", balanced: true });
    expect(counts).toMatchObject({ read: there.length, created: there.length, dead: 0 });
    expect((await ledgerOf(id)).sort()).toEqual(there.sort());
  }, 60_000);

  it("ends within seconds also while its target answers nothing but 503 and asks to wait", async () => {
    const flowId = await publishedFlow(world.ctx, flow());
    const { id } = await startRun(world.ctx, { flowId, mode: "live" });
    slowly();
    const ms = await interrupt(id, 10, async () => {
      Object.assign(books.faults, { unavailable: 1, retryAfterS: 4 });
      await new Promise((done) => setTimeout(done, 500));
      await cancelRun(world.ctx, id);
    });
    expect(ms).toBeLessThan(SOON_MS);
    const { state, counts, balanced } = await getRunDetail(world.ctx, id);
    expect({ state, balanced }).toEqual({ state: "cancelled", balanced: true });
    expect(counts).toMatchObject({ read: numbers().length, created: numbers().length, dead: 0 });
  }, 60_000);

  it("ends within seconds also while a source does not answer", async () => {
    let silent = false;
    const source = createServer((_, response) => {
      if (silent) return;
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify([{ id: 1, name: "one" }]));
    }).listen(0, "127.0.0.1");
    await once(source, "listening");
    const baseUrl = `http://127.0.0.1:${(source.address() as AddressInfo).port}`;
    const streams = [{ name: "orders", path: "/orders", key: ["id"] }];
    await createConnection(world.ctx, { name: "Silent", connector: "http", settings: { baseUrl, streams } });
    const document = flow();
    document.steps[0] = { ...document.steps[0]!, connection: "Silent" } as { id: string };
    const flowId = await publishedFlow(world.ctx, document);
    silent = true;
    const { id } = await startRun(world.ctx, { flowId, mode: "live" });
    const running = runToEnd(world.database, id);
    await vi.waitUntil(async () => (await stateOf(id)) === "running", { timeout: 20_000 });
    const actedAt = Date.now();
    await cancelRun(world.ctx, id);
    await running;
    source.closeAllConnections();
    source.close();
    expect(Date.now() - actedAt).toBeLessThan(SOON_MS);
    expect(await stateOf(id)).toBe("cancelled");
  }, 60_000);
});

it("a run that is paused in the middle of a page goes on there, and writes each record once", async () => {
  const flowId = await publishedFlow(world.ctx, flow());
  slowly();
  const { id } = await startRun(world.ctx, { flowId, mode: "live" });
  const ms = await interrupt(id, 20, () => pauseFlow(world.ctx, flowId));
  expect(ms).toBeLessThan(SOON_MS);
  expect(await stateOf(id)).toBe("waiting");
  expect(numbers().length).toBeLessThan(ROWS);
  books.faults.slow = 0;
  await resumeFlow(world.ctx, flowId);
  await runToEnd(world.database, id);
  const { state, counts, balanced } = await getRunDetail(world.ctx, id);
  expect({ state, balanced }).toEqual({ state: "succeeded", balanced: true });
  expect(counts).toMatchObject({ read: ROWS, created: ROWS, held: 0, dead: 0 });
  expect(numbers().sort()).toEqual(Array.from({ length: ROWS }, (_, at) => at + 1).sort());
}, 60_000);

/** Every record is there once, and each is in the ledger of one of these runs. */
async function onceEach(wanted: number[], runs: string[]): Promise<void> {
  const sorted = wanted.toSorted((a, b) => a - b);
  expect(numbers().toSorted((a, b) => a - b)).toEqual(sorted);
  const ledger = (await Promise.all(runs.map(ledgerOf))).flat();
  expect(ledger.toSorted((a, b) => a - b)).toEqual(sorted);
}

const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

describe("a turn that is cancelled in the middle of its page is not given twice", () => {
  it("of failed records that are replayed", async () => {
    const check = { id: "check", kind: "check", rules: [{ field: "name", is: "email" }], otherwise: "dead" };
    const flowId = await publishedFlow(world.ctx, flow([check]));
    const { id: failed } = await startRun(world.ctx, { flowId, mode: "live" });
    await runToEnd(world.database, failed);
    const letters = async () =>
      (
        await world.database.pool.query<{ id: string }>(
          "SELECT id FROM dead_letter WHERE flow_id = $1 AND state = 'open' ORDER BY id",
          [flowId],
        )
      ).rows.map(({ id }) => id);
    expect(await letters()).toHaveLength(ROWS);
    slowly();
    const replay = async () =>
      (
        await replayLetters(world.ctx, {
          ids: await letters(),
          patch: { name: "ana@example.com" },
          from: "step",
          version: "live",
        })
      ).id;
    const first = await replay();
    await interrupt(first, 20, () => cancelRun(world.ctx, first));
    expect(await stateOf(first)).toBe("cancelled");
    const arrived = numbers().length;
    expect(arrived).toBeLessThan(ROWS);
    expect(await letters()).toHaveLength(ROWS - arrived);
    books.faults.slow = 0;
    const second = await replay();
    await runToEnd(world.database, second);
    expect(await letters()).toEqual([]);
    await onceEach(upTo(ROWS), [first, second]);
  }, 90_000);

  it("of records that a wait kept", async () => {
    const flowId = await publishedFlow(world.ctx, flow([{ id: "later", kind: "wait", for: "1s" }]));
    const { id: kept } = await startRun(world.ctx, { flowId, mode: "live" });
    await runToEnd(world.database, kept);
    await world.database.pool.query("UPDATE held_part SET due_at = now() - interval '1 second' WHERE flow_id = $1", [
      flowId,
    ]);
    slowly();
    const [first] = await startContinuations(world.database.pool);
    await interrupt(first!, 20, () => cancelRun(world.ctx, first!));
    expect(await stateOf(first!)).toBe("cancelled");
    expect(numbers().length).toBeLessThan(ROWS);
    books.faults.slow = 0;
    const [second] = await startContinuations(world.database.pool);
    await runToEnd(world.database, second!);
    await onceEach(upTo(ROWS), [first!, second!]);
    expect(await startContinuations(world.database.pool)).toEqual([]);
  }, 90_000);

  const KEYS = 120;
  /** One dead record and one parked behind it, for each key; the dead ones are dismissed. */
  async function parked(): Promise<string> {
    await world.client.query("DROP TABLE IF EXISTS events");
    await world.client.query("CREATE TABLE events (id int PRIMARY KEY, customer text, name text)");
    await world.client.query(
      `INSERT INTO events SELECT i, 'c' || (i - 1) % ${KEYS}, CASE WHEN i > ${KEYS} THEN 'n' || i END FROM generate_series(1, ${2 * KEYS}) i`,
    );
    const check = { id: "check", kind: "check", rules: [{ field: "name", required: true }], otherwise: "dead" };
    const document = flow([check], { order: "by-key", key: "customer" });
    document.steps[0] = { ...document.steps[0]!, stream: "events" } as { id: string };
    const flowId = await publishedFlow(world.ctx, document);
    const { id } = await startRun(world.ctx, { flowId, mode: "live" });
    await runToEnd(world.database, id);
    const { rows } = await world.database.pool.query<{ id: string }>("SELECT id FROM dead_letter WHERE run_id = $1", [
      id,
    ]);
    expect(rows).toHaveLength(KEYS);
    await dismissLetters(world.ctx, { ids: rows.map((row) => row.id), note: "not needed" });
    return flowId;
  }
  const wanted = upTo(2 * KEYS).slice(KEYS);

  it("of records that were parked behind a failed one", async () => {
    await parked();
    slowly();
    const [first] = await startReleases(world.database.pool);
    await interrupt(first!, 20, () => cancelRun(world.ctx, first!));
    expect(await stateOf(first!)).toBe("cancelled");
    expect(numbers().length).toBeLessThan(KEYS);
    books.faults.slow = 0;
    const [second] = await startReleases(world.database.pool);
    await runToEnd(world.database, second!);
    await onceEach(wanted, [first!, second!]);
    expect(await startReleases(world.database.pool)).toEqual([]);
  }, 90_000);

  /** A release whose worker is lost when some records have arrived. */
  async function lostRelease(): Promise<string> {
    const { pool } = world.database;
    slowly();
    const [first] = await startReleases(pool);
    const running = runToEnd(world.database, first!);
    await vi.waitUntil(() => numbers().length >= 60, { timeout: 60_000, interval: 5 });
    // another attempt holds the run now: this one stores nothing more, as if it had died
    await pool.query(
      "UPDATE run SET lease_token = lease_token + 1, state = 'queued', lease_worker = NULL WHERE id = $1",
      [first],
    );
    await running;
    books.faults.slow = 0;
    return first!;
  }

  it("of parked records whose worker was lost with them: what nobody can look up goes to a person", async () => {
    const flowId = await parked();
    const { pool } = world.database;
    const first = await lostRelease();
    await cancelRun(world.ctx, first);
    await runToEnd(world.database, first);
    expect(await stateOf(first)).toBe("cancelled");
    const { rows: asked } = await pool.query<{ n: number; code: string; source: { name: string } }>(
      "SELECT (data->>'number')::int AS n, code, source FROM dead_letter WHERE flow_id = $1 AND state = 'open'",
      [flowId],
    );
    expect(asked.length).toBeGreaterThan(0);
    expect(new Set(asked.map(({ code }) => code))).toEqual(new Set(["may-have-arrived"]));
    for (const { n, source } of asked) expect(source.name).toBe(`n${n}`);
    const [second] = await startReleases(pool);
    await runToEnd(world.database, second!);
    const there = numbers();
    expect(there).toHaveLength(new Set(there).size);
    const doubtful = new Set(asked.map(({ n }) => n));
    for (const n of wanted) expect(there.includes(n) || doubtful.has(n), `${n} is lost`).toBe(true);
    const { balanced } = await getRunDetail(world.ctx, first);
    expect(balanced).toBe(true);
  }, 90_000);

  it("of parked records under the names turns had before: the next attempt goes on under them, and sends nothing twice", async () => {
    const flowId = await parked();
    const { pool } = world.database;
    const first = await lostRelease();
    const { rowCount } = await pool.query(
      `UPDATE change SET idempotency_key = flow_id || '/' || step_id || '/' || run_id || '.' || page || '/' ||
         regexp_replace(idempotency_key, '^.*/parked\\.\\d+/', '') WHERE run_id = $1`,
      [first],
    );
    expect(rowCount).toBeGreaterThan(0);
    const before = numbers().length;
    await runToEnd(world.database, first);
    const there = numbers();
    expect(there.length).toBeGreaterThan(before);
    expect(there).toHaveLength(new Set(there).size);
    const { rows: asked } = await pool.query<{ n: number }>(
      "SELECT (data->>'number')::int AS n FROM dead_letter WHERE flow_id = $1 AND state = 'open'",
      [flowId],
    );
    const doubtful = new Set(asked.map(({ n }) => n));
    for (const n of wanted) expect(there.includes(n) || doubtful.has(n), `${n} is lost`).toBe(true);
  }, 90_000);
});
