import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { seededRandom } from "../connectors/testing/fake-rest.ts";
import { createTestDatabase, type TestDatabase as RemoteDatabase } from "../connectors/testing/postgres-database.ts";
import { startPostgres } from "../scripts/embedded-postgres.mjs";
import { cacheFolder } from "../scripts/places.mjs";
import { readJson } from "../scripts/processes.mjs";
import { closeSessions } from "../server/connections/session-pool.ts";
import { testContext } from "../server/testing/context.ts";
import { type TestDatabase, testDatabase } from "../server/testing/database.ts";
import { connectDatabase, publishedFlow, TEST_BRIEF } from "../server/testing/flows.ts";
import { killProcess, killWorkers, startWorker } from "./testing/worker-process.ts";

/**
 * The product's own database is killed with SIGKILL while webhooks arrive and are drained, and comes back after a while. The
 * same seed gives the same order of moments: PLUMBLINE_TEST_SEED. Web and worker live on.
 */
const SEED = Number(process.env.PLUMBLINE_TEST_SEED ?? Math.floor(Math.random() * 1e9));
const EVENTS = 1_500;
const KILLS = 3;
const root = fileURLToPath(new URL("..", import.meta.url));
const base = join(cacheFolder, `events outage test ${process.pid}`);
const server = { folder: join(base, "postgres"), secretsFolder: join(base, "secrets") };

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let database: TestDatabase;
let target: RemoteDatabase;
let web: ChildProcess | undefined;
let hook: string;

beforeAll(async () => {
  target = await createTestDatabase("outage_target"); // on the server that is left alone
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 5).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  postgres = await startPostgres(server);
  vi.stubEnv("PLUMBLINE_TEST_DATABASE_URL", postgres.adminUrl);
  database = await testDatabase("events_outage");
  const ctx = await testContext(database);
  await connectDatabase(ctx, "Target", target.url);
  // no unique constraint: what is written twice is there twice
  await ask(
    target.url,
    "CREATE TABLE arrivals (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event text NOT NULL)",
  );
  const flowId = await publishedFlow(ctx, {
    format: "plumbline/1",
    name: "Arrivals",
    brief: TEST_BRIEF,
    steps: [
      { id: "hook", kind: "webhook" },
      { id: "map", kind: "map", fields: [{ to: "event", from: "id" }] },
      { id: "write", kind: "write", connection: "Target", sink: "arrivals", operation: "insert" },
    ],
    links: [
      { from: "hook", to: "map" },
      { from: "map", to: "write" },
    ],
  });
  const { hookKey } = await database.db.flow.findUniqueOrThrow({ where: { id: flowId } });
  web = spawn(process.execPath, ["bench/event-servers.ts", "product"], {
    cwd: root,
    env: { ...process.env, VITEST: "", DATABASE_URL: database.url, PLUMBLINE_LOG: "json" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = (await once(web.stdout as NonNullable<typeof web.stdout>, "data")) as [Buffer];
  hook = `http://127.0.0.1:${/listening (\d+)/.exec(line.toString())?.[1]}/hooks/${hookKey}`;
  startWorker(database.url);
}, 120_000);

afterAll(async () => {
  await killProcess(web);
  await killWorkers();
  await closeSessions();
  await database?.drop().catch(() => {});
  await postgres?.stop();
  vi.unstubAllEnvs();
  await target?.drop();
  const elsewhere = readJson(join(server.folder, "location.json"))?.folder;
  for (const folder of [base, elsewhere]) if (folder) rmSync(folder, { recursive: true, force: true });
}, 60_000);

/** A question to a database that may just have come back. */
async function ask(url: string, sql: string): Promise<{ [column: string]: unknown }[]> {
  for (let attempt = 0; ; attempt++) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    client.on("error", () => {});
    try {
      await client.connect();
      return (await client.query(sql)).rows;
    } catch (error) {
      if (attempt > 40) throw error;
      await sleep(500);
    } finally {
      await client.end().catch(() => {});
    }
  }
}

it(`every event that was accepted lands once, though the database dies (seed ${SEED})`, {
  timeout: 240_000,
}, async () => {
  const random = seededRandom(SEED);
  const answers = new Map<number | string, number>();
  /** the database is away for certain: nothing may be accepted */
  let away = false;
  const acceptedAway: string[] = [];
  let next = 0;
  const sender = async () => {
    while (next < EVENTS) {
      const id = `evt-${next++}`;
      for (;;) {
        const before = away;
        const status = await fetch(hook, {
          method: "POST",
          headers: { "content-type": "application/json", "webhook-id": id },
          body: JSON.stringify({ id }),
        }).then(
          (answer) => answer.status,
          (error: Error) => error.name,
        );
        answers.set(status, (answers.get(status) ?? 0) + 1);
        if (status === 202 && before && away) acceptedAway.push(id);
        if (status === 202) break;
        await sleep(100);
      }
      await sleep(random() * 30);
    }
  };
  const sending = Promise.all(Array.from({ length: 6 }, sender));
  for (let kill = 0; kill < KILLS; kill++) {
    await sleep(500 + random() * 1_500);
    process.kill(postgres.process.pid, "SIGKILL");
    await sleep(300);
    away = true;
    await sleep(500 + random() * 2_000);
    away = false;
    postgres = await startPostgres({ ...server, port: postgres.port });
  }
  await sending;
  for (const end = Date.now() + 120_000; ; await sleep(200)) {
    const [row] = await ask(database.url, "SELECT count(*)::int AS n FROM inbox_queue");
    if (row?.n === 0) break;
    if (Date.now() > end) throw new Error(`${row?.n} events are still waiting.`);
  }
  // senders are told to try again, and nothing else went wrong
  expect([...answers.keys()].sort()).toEqual([202, 503]);
  expect(acceptedAway).toEqual([]);
  const [there] = await ask(
    target.url,
    "SELECT count(*)::int AS rows, count(DISTINCT event)::int AS events FROM arrivals",
  );
  const [runs] = await ask(
    database.url,
    `SELECT count(*)::int AS runs, count(*) FILTER (WHERE state = 'succeeded' AND read = 1 AND created = 1)::int AS written,
       (SELECT count(*)::int FROM change WHERE state = 'done') AS ledger, (SELECT count(*)::int FROM inbox_sending) AS open FROM run`,
  );
  expect({ ...there, ...runs }).toEqual({
    ...{ rows: EVENTS, events: EVENTS },
    ...{ runs: EVENTS, written: EVENTS, ledger: EVENTS, open: 0 },
  });
});
