/** Real processes, really killed at random moments while events pour in: no event is lost, none lands twice. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { closeSessions } from "../connections/session-pool.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { connectDatabase, publishedFlow, TEST_BRIEF } from "../testing/flows.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const secretKey = Buffer.alloc(32, 7).toString("base64");
const EVENTS = 3_000;
const KILLS = 3;
const SEED = Number(process.env.PLUMBLINE_TEST_SEED ?? 41);

let database: TestDatabase;
let target: TestDatabase;
let hook: string;
const processes: ChildProcess[] = [];

beforeAll(async () => {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", secretKey);
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  database = await testDatabase("events_kill");
  target = await testDatabase("events_kill_target");
  // no unique constraint: what is written twice is there twice
  await target.pool.query(
    "CREATE TABLE arrivals (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event text NOT NULL, n int)",
  );
  // slow enough that kills meet batches that are being written, and batches that landed and are not settled
  await target.pool.query(
    `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END $$;
     CREATE TRIGGER slow BEFORE INSERT ON arrivals FOR EACH STATEMENT EXECUTE FUNCTION slow()`,
  );
  await database.pool.query(
    `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END $$;
     CREATE TRIGGER slow BEFORE INSERT ON run FOR EACH STATEMENT EXECUTE FUNCTION slow()`,
  );
  const ctx = await testContext(database);
  await connectDatabase(ctx, "Target", target.url);
  const flowId = await publishedFlow(ctx, {
    format: "plumbline/1",
    name: "Arrivals",
    brief: TEST_BRIEF,
    steps: [
      { id: "hook", kind: "webhook" },
      {
        id: "map",
        kind: "map",
        fields: [
          { to: "event", from: "id" },
          { to: "n", from: "n" },
        ],
      },
      { id: "write", kind: "write", connection: "Target", sink: "arrivals", operation: "insert" },
    ],
    links: [
      { from: "hook", to: "map" },
      { from: "map", to: "write" },
    ],
  });
  hook = (await database.db.flow.findUniqueOrThrow({ where: { id: flowId } })).hookKey;
});

afterEach(async () => {
  for (const one of processes.splice(0)) await kill(one);
});
afterAll(async () => {
  await closeSessions();
  await database.drop();
  await target.drop();
});

function start(script: string, ...more: string[]): ChildProcess {
  const child = spawn(process.execPath, [script, ...more], {
    cwd: root,
    env: {
      ...process.env,
      VITEST: "",
      NODE_ENV: "production",
      DATABASE_URL: database.url,
      PLUMBLINE_SECRET_KEY: secretKey,
      PLUMBLINE_ALLOW_PRIVATE_NETWORK: "true",
      PLUMBLINE_LOG: "json",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  processes.push(child);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

async function startWeb(): Promise<{ child: ChildProcess; url: string }> {
  const child = start("bench/event-servers.ts", "product");
  const [line] = (await once(child.stdout as NonNullable<typeof child.stdout>, "data")) as [Buffer];
  return { child, url: `http://127.0.0.1:${/listening (\d+)/.exec(line.toString())?.[1]}/hooks/${hook}` };
}

const startWorker = () => {
  const child = start("worker/main.ts");
  child.stdout?.resume();
  return child;
};

/** A small generator with a seed (mulberry32), so that a failure can be repeated. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const count = async (pool: TestDatabase["pool"], sql: string) => (await pool.query(sql)).rows[0].n as number;

/** Index of the worker that works on the events, once one does. A dead one's lease is free after 15 s. */
async function holder(workers: ChildProcess[]): Promise<number> {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(20)) {
    const { rows } = await database.pool.query<{ pid: number }>(
      "SELECT p.pid FROM inbox_drain d JOIN process p ON p.id = d.lease_worker",
    );
    const index = workers.findIndex(({ pid }) => pid === rows[0]?.pid);
    if (index >= 0) return index;
  }
  throw new Error("No worker took the events within 30 s.");
}

/** A batch is entered in the ledger and not settled: what a worker that dies now leaves behind must be found out. */
async function partIsOpen(): Promise<void> {
  while ((await count(database.pool, "SELECT count(*)::int AS n FROM inbox_sending")) === 0) await sleep(5);
}

it(`every event lands once, whoever dies (seed ${SEED})`, { timeout: 240_000 }, async () => {
  const random = randomFrom(SEED);
  let web = await startWeb();
  let workers = [startWorker(), startWorker()];
  let next = 0;
  /** parts that were being sent when a worker died */
  let met = 0;
  const sender = async () => {
    while (next < EVENTS) {
      const n = next++;
      // as a sender does: again until it is accepted, under the same id
      for (;;) {
        const accepted = await fetch(web.url, {
          method: "POST",
          headers: { "content-type": "application/json", "webhook-id": `evt-${n}` },
          body: JSON.stringify({ id: `evt-${n}`, n }),
        }).then(
          ({ status }) => status === 202,
          () => false,
        );
        if (accepted) break;
        await sleep(50);
      }
      if (n % 10 === 0) await sleep(10);
    }
  };
  const sending = Promise.all(Array.from({ length: 8 }, sender));
  for (let round = 0; round < KILLS; round++) {
    const victim = await holder(workers);
    await sleep(random() * 700);
    if (round === 1) await partIsOpen();
    await kill(workers[victim] as ChildProcess);
    met += await count(database.pool, "SELECT count(*)::int AS n FROM inbox_sending");
    workers = workers.with(victim, startWorker());
    if (round !== 0) continue;
    await kill(web.child);
    web = await startWeb();
  }
  await sending;
  const end = Date.now() + 90_000;
  for (;;) {
    const { rows } = await database.pool.query("SELECT count(*)::int AS n FROM inbox_queue");
    if (rows[0].n === 0) break;
    if (Date.now() > end) throw new Error(`${rows[0].n} events are still waiting.`);
    await sleep(100);
  }
  expect(met).toBeGreaterThan(0);
  expect({
    rows: await count(target.pool, "SELECT count(*)::int AS n FROM arrivals"),
    events: await count(target.pool, "SELECT count(DISTINCT event)::int AS n FROM arrivals"),
    runs: await count(
      database.pool,
      "SELECT count(*)::int AS n FROM run WHERE state = 'succeeded' AND read = 1 AND created = 1",
    ),
    otherRuns: await count(database.pool, "SELECT count(*)::int AS n FROM run WHERE state <> 'succeeded'"),
    ledger: await count(database.pool, "SELECT count(*)::int AS n FROM change WHERE state = 'done'"),
    ledgerRuns: await count(database.pool, "SELECT count(DISTINCT run_id)::int AS n FROM change WHERE state = 'done'"),
    open: await count(database.pool, "SELECT count(*)::int AS n FROM inbox_sending"),
  }).toEqual({ rows: EVENTS, events: EVENTS, runs: EVENTS, otherRuns: 0, ledger: EVENTS, ledgerRuns: EVENTS, open: 0 });
});
