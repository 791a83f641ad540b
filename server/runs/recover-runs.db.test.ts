import { afterAll, beforeAll, expect, it } from "vitest";
import type { ServerContext } from "../context.ts";
import type { TestDatabase } from "../testing/database.ts";
import { type FlowWorld, flowWorld } from "../testing/flow-world.ts";
import { publishedFlow, TEST_BRIEF } from "../testing/flows.ts";
import { recoverRuns } from "./recover-runs.ts";
import { startRun } from "./start-run.ts";

let world: FlowWorld;
let database: TestDatabase;
let ctx: ServerContext;
let flowId: string;

beforeAll(async () => {
  world = await flowWorld("recover_runs");
  ({ database, ctx } = world);
  await world.client.query("CREATE TABLE orders (id int PRIMARY KEY)");
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
afterAll(() => world.end());

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
