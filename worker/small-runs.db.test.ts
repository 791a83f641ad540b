import type { ChildProcess } from "node:child_process";
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

const FLOWS = 12;
const RUNS_OF_EACH = 12;
const KILLS = 3;

let database: TestDatabase;
let source: RemoteDatabase;
let target: RemoteDatabase;
let ctx: ServerContext;

beforeAll(async () => {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 5).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  database = await testDatabase("small_runs");
  source = await createTestDatabase("small_source");
  target = await createTestDatabase("small_target");
  ctx = await testContext(database);
  // every look finds another value, so each run of a flow has something to write
  await queryDatabase(source, "CREATE VIEW tick AS SELECT gen_random_uuid()::text AS label");
  await queryDatabase(
    target,
    "CREATE TABLE log (flow text PRIMARY KEY, label text NOT NULL, version int NOT NULL DEFAULT 0)",
  );
  await countUpdates(target, "log", "version");
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

const flow = (name: string) => ({
  format: "plumbline/1",
  name,
  brief: TEST_BRIEF,
  steps: [
    { id: "ticks", kind: "read", connection: "Source", stream: "tick", sync: "full" },
    {
      id: "map",
      kind: "map",
      fields: [
        { to: "flow", value: name },
        { to: "label", from: "label" },
      ],
    },
    { id: "log", kind: "write", connection: "Target", sink: "log", operation: "upsert", match: ["flow"] },
  ],
  links: [
    { from: "ticks", to: "map" },
    { from: "map", to: "log" },
  ],
});

/** The same sequence for the same seed, between 0 and 1. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function left(): Promise<number> {
  const { rows } = await database.pool.query<{ n: number }>(
    "SELECT count(*)::int AS n FROM run WHERE state IN ('queued', 'running', 'waiting')",
  );
  return rows[0]?.n ?? 0;
}

/** What runs at work side by side store goes in statements they share: a worker that dies takes all of them along. */
test("workers killed while they work on many small runs: each run has one outcome and one effect", async () => {
  const ids: string[] = [];
  for (let n = 0; n < FLOWS; n++) ids.push(await publishedFlow(ctx, flow(`Flow ${n}`)));
  for (let n = 0; n < RUNS_OF_EACH; n++) for (const flowId of ids) await startRun(ctx, { flowId, mode: "live" });
  const luck = random(Number(process.env.PLUMBLINE_SEED ?? 4711));
  let worker: ChildProcess | undefined;
  let killed = 0;
  const step = Math.floor((FLOWS * RUNS_OF_EACH) / (KILLS + 1));
  const end = Date.now() + 120_000;
  for (let rest = await left(); rest > 0; rest = await left()) {
    if (Date.now() > end) throw new Error(`${rest} runs have not ended.`);
    worker ??= startWorker(database.url);
    if (killed < KILLS && rest < FLOWS * RUNS_OF_EACH - killed * step) {
      await new Promise((done) => setTimeout(done, luck() * 150));
      const { pid } = worker;
      await killProcess(worker);
      // in place of one that is known to be dead, as the supervisor starts it
      worker = startWorker(database.url, { PLUMBLINE_FORMER_PID: String(pid) });
      killed++;
    }
    await new Promise((done) => setTimeout(done, 20));
  }
  expect(killed).toBe(KILLS);
  const total = FLOWS * RUNS_OF_EACH;
  const { rows: runs } = await database.pool.query(
    `SELECT count(*)::int AS ended, sum(read)::int AS read, sum(created)::int AS created, sum(updated)::int AS updated
     FROM run WHERE state = 'succeeded' AND read = 1 AND created + updated = 1`,
  );
  expect(runs[0]).toEqual({ ended: total, read: total, created: FLOWS, updated: total - FLOWS });
  // one change for each run; one that was cut off after its change had landed finds another value when it goes on, which is a
  // change of its own behind the first (docs/decisions/0001)
  const { rows: ledger } = await database.pool.query(
    `SELECT count(*) FILTER (WHERE NOT follows)::int AS first, count(DISTINCT run_id)::int AS runs,
       count(*) FILTER (WHERE follows AND attempt = 1)::int AS "unaskedFor"
     FROM (SELECT c.run_id, coalesce(c.idempotency_key LIKE '%#after', false) AS follows, r.attempt
       FROM change c JOIN run r ON r.id = c.run_id WHERE c.state = 'done') AS entered`,
  );
  expect(ledger[0]).toEqual({ first: total, runs: total, unaskedFor: 0 });
  // as often as it was written, and what the ledger says last
  const written = await queryDatabase(target, "SELECT flow, label, version FROM log ORDER BY flow");
  const { rows: last } = await database.pool.query(
    `SELECT DISTINCT ON (record_key) identity->>'flow' AS flow, after->>'label' AS label,
       (count(*) OVER (PARTITION BY record_key))::int - 1 AS version
     FROM change WHERE state = 'done' ORDER BY record_key, id DESC`,
  );
  expect(written).toEqual(last.sort((a, b) => (a.flow < b.flow ? -1 : 1)));
  expect((await database.pool.query("SELECT FROM sending_page")).rowCount).toBe(0);
}, 150_000);
