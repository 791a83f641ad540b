import pg from "pg";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createTestDatabase, type TestDatabase as RemoteDatabase } from "../../connectors/testing/postgres-database.ts";
import { closeSessions } from "../connections/session-pool.ts";
import type { ServerContext } from "../context.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { connectDatabase, publishedFlow, TEST_BRIEF } from "../testing/flows.ts";
import { recoverRuns } from "./recover-runs.ts";
import { startRun } from "./start-run.ts";

let database: TestDatabase;
let remote: RemoteDatabase;
let ctx: ServerContext;
let flowId: string;

beforeAll(async () => {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 9).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  database = await testDatabase("recover_runs");
  remote = await createTestDatabase("recover_runs_remote");
  ctx = await testContext(database);
  await connectDatabase(ctx, "Shop", remote.url);
  const client = new pg.Client({ connectionString: remote.url });
  await client.connect();
  await client.query("CREATE TABLE orders (id int PRIMARY KEY)");
  await client.end();
  flowId = await publishedFlow(ctx, {
    format: "plumbline/1",
    name: "Taken over",
    brief: TEST_BRIEF,
    steps: [
      { id: "orders", kind: "read", connection: "Shop", stream: "orders", sync: "full" },
      { id: "write", kind: "write", connection: "Shop", sink: "orders", operation: "upsert", match: ["id"] },
    ],
    links: [{ from: "orders", to: "write" }],
  });
});
afterAll(async () => {
  await closeSessions();
  await database.drop();
  await remote.drop();
});

it.each([
  ["was silent", "now() - interval '1 minute'", true],
  ["was seen before the clock was set back by an hour", "now() + interval '1 hour'", true],
  ["is alive", "now() - interval '4 seconds'", false],
])("a run is taken over from a worker that is dead: one that %s", async (_, seenAt, taken) => {
  const { id } = await startRun(ctx, { flowId, mode: "live" });
  const worker = `worker_${id}`;
  await database.pool.query(
    `INSERT INTO process (id, role, pid, host, version, pool_ids, seen_at) VALUES ($1, 'worker', 1, 'there', '1', '{}', ${seenAt})`,
    [worker],
  );
  await database.pool.query("UPDATE run SET state = 'running', lease_worker = $2 WHERE id = $1", [id, worker]);
  const { runs, deadWorkers } = await recoverRuns(database.pool);
  expect(runs.includes(id)).toBe(taken);
  expect(deadWorkers.map((dead) => dead.id).includes(worker)).toBe(taken);
  const { rows } = await database.pool.query("SELECT state FROM run WHERE id = $1", [id]);
  expect(rows[0].state).toBe(taken ? "queued" : "running");
});
