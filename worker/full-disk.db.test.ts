import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { type LimitedDisk, limitedDisk } from "../connectors/testing/limited-disk.ts";
import {
  createTestDatabase,
  queryDatabase,
  type TestDatabase as RemoteDatabase,
} from "../connectors/testing/postgres-database.ts";
import { closeSessions } from "../server/connections/session-pool.ts";
import type { ServerContext } from "../server/context.ts";
import { asUseCaseError } from "../server/failure.ts";
import { getRunDetail } from "../server/runs/get-run.ts";
import { startRun } from "../server/runs/start-run.ts";
import { testContext } from "../server/testing/context.ts";
import { type TestDatabase, testDatabase } from "../server/testing/database.ts";
import { connectDatabase, publishedFlow, TEST_BRIEF } from "../server/testing/flows.ts";
import { keepWorker, killWorkers } from "./testing/worker-process.ts";

/**
 * The product's own database stops taking writes in the middle of a run. Source and target are well, and the target has no
 * key: a row that is sent twice is there twice.
 */
const ROWS = 20_000;
let disk: LimitedDisk | undefined;
let database: TestDatabase;
let source: RemoteDatabase;
let target: RemoteDatabase;
let ctx: ServerContext;

beforeAll(async () => {
  source = await createTestDatabase("full_disk_source");
  target = await createTestDatabase("full_disk_target");
  await queryDatabase(source, "CREATE TABLE orders (id int PRIMARY KEY, name text)");
  await queryDatabase(
    source,
    `INSERT INTO orders SELECT i, 'order ' || i || repeat(md5(i::text), 10) FROM generate_series(1, ${ROWS}) i`,
  );
  await queryDatabase(target, "CREATE TABLE orders (id int, name text)");
  disk = await limitedDisk("full_disk", 96);
  if (disk) vi.stubEnv("PLUMBLINE_TEST_DATABASE_URL", disk.adminUrl);
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 4).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  database = await testDatabase("full_disk");
  await disk?.database(new URL(database.url).pathname.slice(1), true);
  ctx = await testContext(database);
  await connectDatabase(ctx, "Source", source.url);
  await connectDatabase(ctx, "Target", target.url);
  keepWorker(database.url);
}, 120_000);
beforeEach(() => queryDatabase(target, "TRUNCATE orders"));
afterAll(async () => {
  await killWorkers();
  await closeSessions();
  await database?.drop();
  await disk?.end();
  vi.unstubAllEnvs();
  await source?.drop();
  await target?.drop();
}, 60_000);

const wait = { timeout: 60_000, interval: 50 };
const rowsThere = async () =>
  (await queryDatabase<{ n: number }>(target, "SELECT count(*)::int AS n FROM orders"))[0]?.n ?? 0;

async function halfway(name: string): Promise<string> {
  const flowId = await publishedFlow(ctx, {
    format: "plumbline/1",
    name,
    brief: TEST_BRIEF,
    steps: [
      { id: "orders", kind: "read", connection: "Source", stream: "orders", sync: "full" },
      { id: "write", kind: "write", connection: "Target", sink: "orders", operation: "insert" },
    ],
    links: [{ from: "orders", to: "write" }],
    settings: { pageSize: 100, retry: { attempts: 2, for: "1m" }, stopAt: { dead: 1 } },
  });
  const { id } = await startRun(ctx, { flowId, mode: "live" });
  await vi.waitUntil(async () => (await rowsThere()) > 1_000, wait);
  return id;
}

/** Nothing moves for a while, and whoever wants something is told what to do. */
async function standsStill(id: string, words: RegExp): Promise<void> {
  let rows = -1;
  await vi.waitUntil(
    async () => {
      const before = rows;
      rows = await rowsThere();
      return rows === before;
    },
    { timeout: 60_000, interval: 3_000 },
  );
  expect(rows).toBeLessThan(ROWS);
  const refused = await database.db.connection.updateMany({ data: { checkedAt: new Date() } }).then(
    () => undefined,
    (error: unknown) => asUseCaseError(error),
  );
  if (refused) expect(refused).toMatchObject({ status: 503, code: "database-unavailable", message: words });
  await sleep(5_000);
  expect(await rowsThere()).toBe(rows);
  expect((await getRunDetail(ctx, id)).finishedAt).toBeNull();
}

/** The worker is not touched: it goes on by itself, and nothing was lost or sent twice. */
async function goesOn(id: string): Promise<void> {
  const before = await rowsThere();
  await vi.waitUntil(async () => (await rowsThere()) > before, { timeout: 30_000, interval: 50 });
  await vi.waitUntil(async () => (await getRunDetail(ctx, id)).finishedAt !== null, { timeout: 90_000, interval: 100 });
  const { state, counts, balanced, error } = await getRunDetail(ctx, id);
  expect({ state, error, balanced }).toEqual({ state: "succeeded", error: null, balanced: true });
  expect(counts).toMatchObject({ read: ROWS, created: ROWS, dead: 0 });
  expect(await queryDatabase(target, "SELECT count(*)::int AS n, count(DISTINCT id)::int AS ids FROM orders")).toEqual([
    { n: ROWS, ids: ROWS },
  ]);
  const { rows } = await database.pool.query(
    "SELECT count(*)::int AS n, count(DISTINCT record_key)::int AS keys FROM change WHERE run_id = $1 AND state = 'done'",
    [id],
  );
  expect(rows).toEqual([{ n: ROWS, keys: ROWS }]);
}

it("a full disk under the product's database stops work, loses nothing, and work goes on once there is space", async (test) => {
  if (!disk) return test.skip("a small disk can only be made as root on Linux, where mounting is allowed");
  const id = await halfway("Full disk");
  disk.fill(0);
  await standsStill(id, /disk of Plumbline's own database is full.*Free space there/);
  disk.free();
  await goesOn(id);
}, 300_000);

it("a product's database that is read-only for a while stops work, loses nothing, and work goes on afterwards", async () => {
  const id = await halfway("Read-only");
  const name = new URL(database.url).pathname.slice(1);
  const admin = { url: process.env.PLUMBLINE_TEST_DATABASE_URL ?? source.url };
  const set = async (how: string) => {
    await queryDatabase(admin, `ALTER DATABASE ${name} ${how}`);
    await queryDatabase(admin, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
  };
  await set("SET default_transaction_read_only = on");
  await standsStill(id, /takes no writes just now/);
  await set("RESET default_transaction_read_only");
  await goesOn(id);
}, 300_000);
