import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type FakeRest, seededRandom, startFakeRest } from "../connectors/testing/fake-rest.ts";
import {
  countUpdates,
  createTestDatabase,
  queryDatabase,
  type TestDatabase as RemoteDatabase,
} from "../connectors/testing/postgres-database.ts";
import { createConnection } from "../server/connections/change-connections.ts";
import { closeSessions } from "../server/connections/session-pool.ts";
import type { ServerContext } from "../server/context.ts";
import { getRun } from "../server/runs/get-run.ts";
import { startRun } from "../server/runs/start-run.ts";
import { testContext } from "../server/testing/context.ts";
import { connectDatabase, publishedFlow, TEST_BRIEF } from "../server/testing/flows.ts";
import { type MortalDatabase, mortalDatabase, patiently } from "./testing/mortal-database.ts";
import { type KeptWorker, keepWorker, killWorkers } from "./testing/worker-process.ts";

/**
 * Workers and the product's own database are killed with SIGKILL at random moments while flows run, round after round. The
 * same seed gives the same order of kills: PLUMBLINE_TEST_SEED. In each round every row must be written exactly once.
 */
const SEED = Number(process.env.PLUMBLINE_TEST_SEED ?? Math.floor(Math.random() * 1e9));
const FAULTS_FOR_MS = Number(process.env.PLUMBLINE_TEST_FAULTS_MS ?? 60_000);

let database: MortalDatabase;
let steady: RemoteDatabase;
let books: FakeRest;
let ctx: ServerContext;
const kills = { worker: 0, database: 0 };

beforeAll(async () => {
  steady = await createTestDatabase("faults_target"); // on the server that is left alone
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 3).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  database = await mortalDatabase("faults");
  ctx = await testContext(database);
  books = await startFakeRest({
    seed: SEED,
    collections: { invoices: { key: "id", assignIds: true } },
    faults: { unavailable: 0.02, dropAfter: 0.02, slow: 1, slowMs: 3 },
  });
  await connectDatabase(ctx, "Own", database.url);
  await connectDatabase(ctx, "Steady", steady.url);
  const sinks = [{ name: "invoices", key: [], create: { path: "/invoices" }, idempotencyHeader: "Idempotency-Key" }];
  await createConnection(ctx, { name: "Books", connector: "http", settings: { baseUrl: books.url, sinks } });
}, 120_000);

afterAll(async () => {
  await killWorkers();
  await closeSessions();
  await books?.close();
  await database?.drop();
  vi.unstubAllEnvs();
  await steady?.drop();
}, 60_000);

type Line = {
  name: string;
  rows: number;
  bad: number;
  pageSize: number;
  connection: "Own" | "Steady" | "Books";
  /** both workers work on a run at once */
  divided?: true;
};
const lines: Line[] = [
  { name: "own", rows: 3_000, bad: 0, pageSize: 50, connection: "Own" },
  { name: "steady", rows: 3_000, bad: 7, pageSize: 50, connection: "Steady" },
  { name: "http", rows: 250, bad: 0, pageSize: 50, connection: "Books", divided: true },
  { name: "divided", rows: 6_000, bad: 11, pageSize: 50, connection: "Steady", divided: true },
];
/** Divides runs of 5,000 rows and more; of 200 where they are sent one by one. */
const STRETCH_ROWS = "1250";

const targetOf = ({ connection }: Line) => (connection === "Own" ? database : steady);

async function prepare(line: Line): Promise<string> {
  await queryDatabase(database, `CREATE TABLE src_${line.name} (id int PRIMARY KEY, round int, name text)`);
  await queryDatabase(
    database,
    `INSERT INTO src_${line.name} SELECT i, 0, CASE WHEN i <= ${line.bad} THEN NULL ELSE 'n' || i END FROM generate_series(1, ${line.rows}) i`,
  );
  if (line.connection !== "Books") {
    const table = `dst_${line.name}`;
    await queryDatabase(
      targetOf(line),
      `CREATE TABLE ${table} (id int PRIMARY KEY, round int, name text NOT NULL, writes int NOT NULL DEFAULT 1)`,
    );
    await countUpdates(targetOf(line), table, "writes");
  }
  const write =
    line.connection === "Books"
      ? { id: "write", kind: "write", connection: "Books", sink: "invoices", operation: "insert" }
      : {
          id: "write",
          kind: "write",
          connection: line.connection,
          sink: `dst_${line.name}`,
          operation: "upsert",
          match: ["id"],
        };
  const map = {
    id: "map",
    kind: "map",
    fields: [
      { to: line.connection === "Books" ? "number" : "id", from: "id" },
      { to: "round", from: "round" },
      { to: "name", from: "name" },
    ],
  };
  return await publishedFlow(ctx, {
    format: "plumbline/1",
    name: line.name,
    brief: TEST_BRIEF,
    steps: [{ id: "rows", kind: "read", connection: "Own", stream: `src_${line.name}`, sync: "full" }, map, write],
    links: [
      { from: "rows", to: "map" },
      { from: "map", to: "write" },
    ],
    settings: {
      pageSize: line.pageSize,
      retry: { attempts: 50, for: "1h" },
      // rows that were updated again and again look like more to the planner; a flow with a stop condition stays whole
      ...(line.divided ? {} : { stopAt: { dead: "90%" } }),
    },
  });
}

/** One run; afterwards every row was written once more, exactly. */
async function round(line: Line, flowId: string, number: number): Promise<void> {
  await database.ask(`UPDATE src_${line.name} SET round = ${number}`);
  const { id } = await patiently(() => startRun(ctx, { flowId, mode: "live" }));
  const ended = ["succeeded", "succeeded_with_errors", "failed", "cancelled"];
  for (const deadline = Date.now() + 240_000; ; await sleep(100)) {
    const found = await database.ask<{ state: string; error: unknown }>("SELECT state, error FROM run WHERE id = $1", [
      id,
    ]);
    if (ended.includes(found[0]?.state ?? "")) break;
    if (Date.now() > deadline) throw new Error(`Run ${id} of “${line.name}” hangs: ${JSON.stringify(found)}`);
  }
  const { run, balanced } = await patiently(() => getRun(ctx, id));
  const good = line.rows - line.bad;
  const about = `“${line.name}”, round ${number}, run ${id}, seed ${SEED}`;
  expect({ state: run.state, error: run.error, balanced, read: run.counts.read }, about).toEqual({
    state: line.bad > 0 ? "succeeded_with_errors" : "succeeded",
    error: null,
    balanced: true,
    read: line.rows,
  });
  expect({ written: run.counts.created + run.counts.updated, dead: run.counts.dead }, about).toEqual({
    written: good,
    dead: line.bad,
  });
  const [ledger] = await database.ask(
    "SELECT count(*)::int AS rows, count(DISTINCT record_key)::int AS keys FROM change WHERE run_id = $1 AND state = 'done'",
    [id],
  );
  const [divided] = await database.ask<{ stretches: number | null; left: number }>(
    "SELECT stretches, (SELECT count(*)::int FROM run_stretch WHERE run_id = $1) AS left FROM run WHERE id = $1",
    [id],
  );
  expect({ stretches: (divided?.stretches ?? 0) > 3, left: divided?.left }, about).toEqual({
    stretches: line.divided === true,
    left: 0,
  });
  expect(ledger, `ledger of ${about}`).toEqual({ rows: good, keys: good });
  expect(await database.ask("SELECT count(*)::int AS parts FROM sending_page WHERE run_id = $1", [id])).toEqual([
    { parts: 0 },
  ]);
  if (line.connection === "Books") {
    const records = [...books.collection("invoices").records.values()].filter((record) => record.round === number);
    expect({ rows: records.length, keys: new Set(records.map(({ number: key }) => key)).size }, about).toEqual({
      rows: good,
      keys: good,
    });
  } else {
    const [target] = await patiently(() =>
      queryDatabase(
        targetOf(line),
        `SELECT count(*)::int AS rows, min(round) AS least, max(round) AS most, min(writes) AS fewest, max(writes) AS times FROM dst_${line.name}`,
      ),
    );
    expect(target, `target of ${about}`).toEqual({
      rows: good,
      least: number,
      most: number,
      fewest: number,
      times: number,
    });
  }
}

it("keeps every promise while workers and the database are killed at random moments", async () => {
  console.log(`faults: seed ${SEED}`);
  const flows = await Promise.all(lines.map(async (line) => ({ line, flowId: await prepare(line) })));
  const environment = { PLUMBLINE_STRETCH_ROWS: STRETCH_ROWS };
  const workers: KeptWorker[] = [keepWorker(database.url, environment), keepWorker(database.url, environment)];
  const until = Date.now() + FAULTS_FOR_MS;
  const random = seededRandom(SEED);
  const faults = (async () => {
    while (Date.now() < until) {
      await sleep(300 + random() * 5_000);
      const die = random();
      if (die < 0.25) {
        kills.database++;
        database.kill();
        await sleep(100);
        await database.startAgain();
      } else {
        const chosen = die > 0.9 ? workers : [workers[die > 0.55 ? 1 : 0]!];
        kills.worker += chosen.length;
        await Promise.all(chosen.map((worker) => worker.kill()));
      }
    }
  })();
  const rounds = await Promise.all(
    flows.map(async ({ line, flowId }) => {
      let number = 0;
      do await round(line, flowId, ++number);
      while (Date.now() < until);
      return `${line.name} ${number}`;
    }),
  );
  await faults;
  console.log(
    `faults: rounds ${rounds.join(", ")}; killed ${kills.worker} workers and the database ${kills.database} times`,
  );
  expect(kills.worker + kills.database).toBeGreaterThan(5);
}, 600_000);
