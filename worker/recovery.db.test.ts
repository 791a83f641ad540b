import { once } from "node:events";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import {
  countUpdates,
  createTestDatabase,
  queryDatabase,
  type TestDatabase as RemoteDatabase,
} from "../connectors/testing/postgres-database.ts";
import { closeSessions } from "../server/connections/session-pool.ts";
import type { ServerContext } from "../server/context.ts";
import { startRun } from "../server/runs/start-run.ts";
import { testContext } from "../server/testing/context.ts";
import { type TestDatabase, testDatabase } from "../server/testing/database.ts";
import { connectDatabase, publishedFlow, TEST_BRIEF } from "../server/testing/flows.ts";
import { killProcess, killWorkers, startWorker } from "./testing/worker-process.ts";

/** Real worker processes, really killed. */
const ROWS = 20_000;

let database: TestDatabase;
let source: RemoteDatabase;
let target: RemoteDatabase;
let ctx: ServerContext;

beforeAll(async () => {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 9).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  database = await testDatabase();
  source = await createTestDatabase("recovery_source");
  target = await createTestDatabase("recovery_target");
  ctx = await testContext(database);
  await queryDatabase(source, "CREATE TABLE orders (id int PRIMARY KEY, name text)");
  await queryDatabase(source, `INSERT INTO orders SELECT i, 'order ' || i FROM generate_series(1, ${ROWS}) i`);
  await queryDatabase(
    target,
    "CREATE TABLE orders (id int PRIMARY KEY, name text NOT NULL, version int NOT NULL DEFAULT 0)",
  );
  await countUpdates(target, "orders", "version");
  await connectDatabase(ctx, "Source", source.url);
  await connectDatabase(ctx, "Target", target.url);
});

afterEach(killWorkers);

afterAll(async () => {
  await closeSessions();
  await database.drop();
  await source.drop();
  await target.drop();
});

async function until<T>(what: string, seconds: number, look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`Waited ${seconds} s for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const flow = (name: string) => ({
  format: "plumbline/1",
  name,
  brief: TEST_BRIEF,
  steps: [
    { id: "orders", kind: "read", connection: "Source", stream: "orders", sync: "full" },
    { id: "write", kind: "write", connection: "Target", sink: "orders", operation: "upsert", match: ["id"] },
  ],
  links: [{ from: "orders", to: "write" }],
  settings: { pageSize: 100 },
});

async function runRow(id: string) {
  const { rows } = await database.pool.query(
    "SELECT state, read::int, created::int, updated::int, unchanged::int, dead::int, attempt FROM run WHERE id = $1",
    [id],
  );
  return rows[0];
}

test("a run whose worker is killed goes on in another within 30 s, and every record is written once", async () => {
  const flowId = await publishedFlow(ctx, flow("Killed"));
  const { id } = await startRun(ctx, { flowId, mode: "live" });
  const first = startWorker(database.url);
  await until("the run to be in the middle", 60, async () => ((await runRow(id)).read > 2_000 ? true : undefined));
  await killProcess(first);
  const before = await runRow(id);
  expect(before.state).toBe("running");
  expect(before.read).toBeLessThan(ROWS);

  startWorker(database.url);
  await until("another worker to take over", 30, async () =>
    (await runRow(id)).read > before.read ? true : undefined,
  );
  const after = await until("the end of the run", 120, async () => {
    const run = await runRow(id);
    return run.state === "succeeded" ? run : undefined;
  });
  expect(after).toMatchObject({ read: ROWS, created: ROWS, updated: 0, unchanged: 0, dead: 0 });
  expect(await queryDatabase(target, "SELECT count(*)::int AS rows, max(version) AS times FROM orders")).toEqual([
    { rows: ROWS, times: 0 },
  ]);
  const ledger = await database.pool.query(
    "SELECT count(*)::int AS rows, count(DISTINCT record_key)::int AS keys FROM change WHERE run_id = $1 AND state = 'done' AND operation = 'create'",
    [id],
  );
  expect(ledger.rows[0]).toEqual({ rows: ROWS, keys: ROWS });
}, 240_000);

test("a worker started in place of a dead one takes its run over at once", async () => {
  await queryDatabase(target, "TRUNCATE orders");
  const flowId = await publishedFlow(ctx, flow("Replaced"));
  const { id } = await startRun(ctx, { flowId, mode: "live" });
  const first = startWorker(database.url);
  await until("the run to be in the middle", 60, async () => ((await runRow(id)).read > 2_000 ? true : undefined));
  await killProcess(first);
  const { read } = await runRow(id);
  expect(read).toBeLessThan(ROWS);

  startWorker(database.url, { PLUMBLINE_FORMER_PID: String(first.pid) });
  await until("the new worker to go on", 10, async () => ((await runRow(id)).read > read ? true : undefined));
  // to its end: the next test writes to the same table
  await until("the end of the run", 60, async () => ((await runRow(id)).state === "succeeded" ? true : undefined));
}, 120_000);

test("a worker asked to stop gives its run back, and the next one goes on", async () => {
  await queryDatabase(target, "TRUNCATE orders");
  const flowId = await publishedFlow(ctx, flow("Stopped"));
  const { id } = await startRun(ctx, { flowId, mode: "live" });
  const first = startWorker(database.url);
  await until("the run to be in the middle", 60, async () => ((await runRow(id)).read > 1_000 ? true : undefined));
  const asked = Date.now();
  first.kill("SIGTERM");
  const [code] = await once(first, "exit");
  expect(code).toBe(0);
  expect(Date.now() - asked).toBeLessThan(10_000);
  expect((await runRow(id)).state).toBe("queued");
  startWorker(database.url);
  const after = await until("the end of the run", 120, async () => {
    const run = await runRow(id);
    return run.state === "succeeded" ? run : undefined;
  });
  expect(after).toMatchObject({ read: ROWS, created: ROWS });
}, 240_000);

test("a worker whose queue has ended ends as well, instead of looking alive and doing nothing", async () => {
  const first = startWorker(database.url);
  await until("the worker", 60, async () => {
    const { rows } = await database.pool.query("SELECT FROM process WHERE pid = $1", [first.pid]);
    return rows.length > 0 ? true : undefined;
  });
  // the queue cannot finish a job any more, which makes it stop
  await database.pool.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
    CREATE TRIGGER refuse BEFORE DELETE ON graphile_worker._private_jobs FOR EACH ROW EXECUTE FUNCTION refuse()`);
  await database.pool.query(`SELECT graphile_worker.add_job('run', '{"runId":"999999"}')`);
  const [code] = await once(first, "exit");
  expect(code).toBe(1);
}, 120_000);
