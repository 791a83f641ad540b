import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { type FakeRest, startFakeRest } from "../connectors/testing/fake-rest.ts";
import {
  createTestDatabase,
  queryDatabase,
  type TestDatabase as RemoteDatabase,
} from "../connectors/testing/postgres-database.ts";
import { createConnection } from "../server/connections/change-connections.ts";
import { closeSessions } from "../server/connections/session-pool.ts";
import type { ServerContext } from "../server/context.ts";
import { getRunDetail } from "../server/runs/get-run.ts";
import { startRun } from "../server/runs/start-run.ts";
import { testContext } from "../server/testing/context.ts";
import { type TestDatabase, testDatabase } from "../server/testing/database.ts";
import { connectDatabase, publishedFlow, TEST_BRIEF } from "../server/testing/flows.ts";
import { killWorkers, startWorker } from "./testing/worker-process.ts";

/**
 * A worker that is not dead but stands still (a laptop that sleeps, a machine that swaps) for longer than others wait for it:
 * its run is taken over, and when it wakes up it must send nothing more.
 */
const ROWS = 400;

let database: TestDatabase;
let source: RemoteDatabase;
let target: RemoteDatabase;
let ctx: ServerContext;
let books: FakeRest;

beforeAll(async () => {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 9).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  database = await testDatabase("frozen");
  source = await createTestDatabase("frozen_source");
  target = await createTestDatabase("frozen_target");
  ctx = await testContext(database);
  await queryDatabase(source, "CREATE TABLE orders (number int PRIMARY KEY, name text)");
  await queryDatabase(source, `INSERT INTO orders SELECT i, 'order ' || i FROM generate_series(1, ${ROWS}) i`);
  await queryDatabase(target, "CREATE TABLE orders (number int, name text)"); // no key: a row sent twice would be there twice
  books = await startFakeRest({
    collections: { invoices: { key: "id", assignIds: true, style: "none", maxPageSize: 1000 } },
    idempotencyHeader: null,
    faults: { slow: 1, slowMs: 25 },
  });
  await connectDatabase(ctx, "Shop", source.url);
  await connectDatabase(ctx, "Store", target.url);
  const create = { path: "/invoices" };
  const read = { path: "/invoices?number={number}", item: "0" };
  await createConnection(ctx, {
    name: "Books",
    connector: "http",
    settings: { baseUrl: books.url, sinks: [{ name: "invoices", key: ["number"], create, read }] },
  });
});
afterEach(killWorkers);
afterAll(async () => {
  await closeSessions();
  await books.close();
  await database.drop();
  await source.drop();
  await target.drop();
});

const until = (look: () => unknown) => vi.waitUntil(look, { timeout: 90_000, interval: 5 });

const writes = {
  "an HTTP target": { connection: "Books", sink: "invoices", operation: "insert" },
  "a PostgreSQL target": { connection: "Store", sink: "orders", operation: "insert" },
};

it.each(Object.entries(writes))(
  "a worker that wakes up late sends nothing twice to %s",
  async (name, write) => {
    const flowId = await publishedFlow(ctx, {
      format: "plumbline/1",
      name,
      brief: TEST_BRIEF,
      steps: [
        { id: "orders", kind: "read", connection: "Shop", stream: "orders", sync: "full" },
        { id: "write", kind: "write", ...write },
      ],
      links: [{ from: "orders", to: "write" }],
      settings: { pageSize: 100 },
    });
    const { id } = await startRun(ctx, { flowId, mode: "live" });
    const sleeper = startWorker(database.url);
    const read = async () => (await getRunDetail(ctx, id)).counts.read;
    if (write.connection === "Books") await until(() => books.effects() > 110);
    else await until(async () => (await read()) >= 100);
    sleeper.kill("SIGSTOP");
    const before = await read();
    startWorker(database.url);
    await until(async () => (await read()) > before);
    sleeper.kill("SIGCONT");
    await until(async () => (await getRunDetail(ctx, id)).state.startsWith("succeeded"));
    await new Promise((done) => setTimeout(done, 3_000)); // what the sleeper still does
    const { counts, balanced } = await getRunDetail(ctx, id);
    expect(balanced).toBe(true);
    expect(counts).toMatchObject({ read: ROWS, created: ROWS });
    const numbers =
      write.connection === "Books"
        ? [...books.collection("invoices").records.values()].map(({ number }) => Number(number))
        : (await queryDatabase<{ number: number }>(target, "SELECT number FROM orders")).map(({ number }) => number);
    expect(numbers.length - new Set(numbers).size, "sent twice").toBe(0);
    expect(numbers).toHaveLength(ROWS);
  },
  180_000,
);
