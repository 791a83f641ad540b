import type { ChildProcess } from "node:child_process";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { seededRandom, startFakeRest } from "../connectors/testing/fake-rest.ts";
import {
  createTestDatabase,
  queryDatabase,
  type TestDatabase as RemoteDatabase,
} from "../connectors/testing/postgres-database.ts";
import { createConnection } from "../server/connections/change-connections.ts";
import { closeSessions } from "../server/connections/session-pool.ts";
import { getRun } from "../server/runs/get-run.ts";
import { startRun } from "../server/runs/start-run.ts";
import { testContext } from "../server/testing/context.ts";
import { type TestDatabase, testDatabase } from "../server/testing/database.ts";
import { connectDatabase, publishedFlow, TEST_BRIEF } from "../server/testing/flows.ts";
import { killProcess, killWorkers, startWorker } from "./testing/worker-process.ts";

/**
 * A server that cuts connections before and after it did what was asked, and a worker that is killed in the middle: never
 * silently sent twice, never lost. The server takes the same record twice without a word, so that it would show. Each test
 * has a database, workers and a server of its own.
 */
const ROWS = 300;
const SEED = Number(process.env.PLUMBLINE_TEST_SEED ?? 20261123);

let source: RemoteDatabase;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 9).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  source = await createTestDatabase("unknown_source");
  await queryDatabase(source, "CREATE TABLE orders (number text PRIMARY KEY, total int)");
  await queryDatabase(source, `INSERT INTO orders SELECT 'n' || i, i FROM generate_series(1, ${ROWS}) i`);
});
afterEach(killWorkers);
afterAll(async () => {
  await closeSessions();
  for (const end of ends) await end();
  await source.drop();
});

/** A product with a flow that sends the orders to these books, by the sink they describe. */
async function sending(faulty: Parameters<typeof startFakeRest>[0], sink: object, settings: object = {}) {
  const books = await startFakeRest({
    collections: { invoices: { key: "id", assignIds: true, style: "none", maxPageSize: 1000 } },
    ...faulty,
  });
  const database = await testDatabase("unknown");
  ends.push(books.close, database.drop);
  const ctx = await testContext(database);
  await connectDatabase(ctx, "Shop", source.url);
  const sinks = [{ name: "invoices", ...sink }];
  await createConnection(ctx, { name: "Books", connector: "http", settings: { baseUrl: books.url, sinks } });
  const flowId = await publishedFlow(ctx, {
    format: "plumbline/1",
    name: "Invoices",
    brief: TEST_BRIEF,
    steps: [
      { id: "orders", kind: "read", connection: "Shop", stream: "orders", sync: "full" },
      { id: "books", kind: "write", connection: "Books", sink: "invoices", operation: "insert" },
    ],
    links: [{ from: "orders", to: "books" }],
    settings,
  });
  return { books, database, ctx, flowId };
}

/** As `npm start` does it: nobody waits for the silence of the dead one. */
const replace = (dead: ChildProcess, { url }: TestDatabase) =>
  startWorker(url, { PLUMBLINE_FORMER_PID: String(dead.pid) });

const sinks = {
  "idempotency keys": { key: [], create: { path: "/invoices" }, idempotencyHeader: "Idempotency-Key" },
  "a read-back": {
    key: ["number"],
    create: { path: "/invoices" },
    read: { path: "/invoices?number={number}", item: "0" },
  },
  "neither of them": { key: [], create: { path: "/invoices" } },
};

it("what a server is still at work on when its worker dies is not sent again, though it is not there yet", async () => {
  const faulty = { idempotencyHeader: null, faults: { workMs: 9_000 } };
  const { books, database, ctx, flowId } = await sending(faulty, sinks["a read-back"]);
  const { id } = await startRun(ctx, { flowId, mode: "live", limit: 4 });
  const worker = startWorker(database.url);
  const sent = () => books.log.filter(({ method }) => method === "POST").length;
  await vi.waitUntil(() => sent() > 0, { timeout: 60_000, interval: 5 });
  await killProcess(worker);
  replace(worker, database);
  await vi.waitUntil(async () => (await getRun(ctx, id)).run.state === "succeeded", { timeout: 120_000, interval: 50 });
  expect((await getRun(ctx, id)).run.counts).toMatchObject({ created: 4, dead: 0 });
  const numbers = [...books.collection("invoices").records.values()].map(({ number }) => String(number));
  expect(numbers.length - new Set(numbers).size, "sent twice").toBe(0);
  expect(numbers).toHaveLength(4);
}, 240_000);

describe.each(Object.entries(sinks))("with %s", (how, sink) => {
  it("what a lost answer or a killed worker leaves in doubt is never sent twice and never lost", async () => {
    const random = seededRandom(SEED);
    const faulty = {
      seed: SEED,
      idempotencyHeader: "idempotencyHeader" in sink ? "Idempotency-Key" : null,
      faults: { dropBefore: 0.03, dropAfter: 0.05, unavailable: 0.03, slow: 1, slowMs: 12 },
    };
    const { books, database, ctx, flowId } = await sending(faulty, sink, { pageSize: 100 });
    const { id } = await startRun(ctx, { flowId, mode: "live" });
    let kills = 0;
    let worker: ChildProcess = startWorker(database.url);
    const over = async () =>
      ["succeeded", "succeeded_with_errors", "failed"].includes((await getRun(ctx, id)).run.state);
    for (let deadline = Date.now() + 150_000; !(await over()); ) {
      if (Date.now() > deadline)
        throw new Error(`Run ${id} did not end: ${JSON.stringify((await getRun(ctx, id)).run)}`);
      const effects = books.effects();
      const wanted = effects + Math.ceil(random() * 90);
      await vi.waitUntil(async () => books.effects() >= wanted || (await over()), {
        timeout: 60_000,
        interval: 5,
      });
      if (kills >= 3 || (await over())) continue;
      kills++;
      await killProcess(worker);
      worker = replace(worker, database);
    }
    expect(kills).toBeGreaterThan(1);
    const { run, balanced } = await getRun(ctx, id);
    expect(run.error).toBeNull();
    expect(balanced).toBe(true);
    const { created, dead, read } = run.counts;
    expect(read).toBe(ROWS);
    const times = new Map<string, number>();
    for (const { number } of books.collection("invoices").records.values())
      times.set(String(number), (times.get(String(number)) ?? 0) + 1);
    expect([...times].filter(([, count]) => count > 1)).toEqual([]); // none twice
    const { rows: letters } = await database.pool.query<{ number: string; code: string }>(
      "SELECT data->>'number' AS number, code FROM dead_letter WHERE run_id = $1",
      [id],
    );
    expect(new Set(letters.map(({ code }) => code))).toEqual(new Set(letters.length > 0 ? ["may-have-arrived"] : []));
    const asked = new Set(letters.map(({ number }) => number));
    for (let n = 1; n <= ROWS; n++) expect(times.has(`n${n}`) || asked.has(`n${n}`), `n${n} is lost`).toBe(true);
    expect(letters).toHaveLength(dead);
    // what is counted as created is there
    expect(created).toBe(ROWS - dead);
    if (how === "neither of them") expect(dead).toBeLessThan(ROWS / 3);
    else expect(dead).toBe(0);
    const { rows: ledger } = await database.pool.query(
      "SELECT count(*)::int AS rows, count(DISTINCT record_key)::int AS keys FROM change WHERE run_id = $1 AND state = 'done'",
      [id],
    );
    expect(ledger).toEqual([{ rows: created, keys: created }]);
  }, 240_000);
});
