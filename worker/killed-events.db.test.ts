import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { seededRandom } from "../connectors/testing/fake-rest.ts";
import { queryDatabase } from "../connectors/testing/postgres-database.ts";
import { compiledFolder, root } from "../scripts/places.mjs";
import { sendEvents } from "../server/testing/event-senders.ts";
import { type FlowWorld, flowWorld } from "../server/testing/flow-world.ts";
import { publishedFlow, TEST_BRIEF } from "../server/testing/flows.ts";
import { type MortalDatabase, mortalDatabase } from "./testing/mortal-database.ts";
import { type KeptWorker, keepWorker, killProcess, killWorkers } from "./testing/worker-process.ts";

/**
 * One part of the product after the other is killed at random moments while webhooks pour in, by senders that try again under
 * the same id until they are heard: no event is lost, none lands twice. The order of kills follows from the seed:
 * PLUMBLINE_TEST_SEED.
 */
const SEED = Number(process.env.PLUMBLINE_TEST_SEED ?? Math.floor(Math.random() * 1e9));
const KILLS = 3;
/** events that are accepted between two kills at the least */
const BETWEEN = 100;
const about = `seed ${SEED}`;
const random = seededRandom(SEED);

let world: FlowWorld<MortalDatabase>;
let database: MortalDatabase;
let web: Awaited<ReturnType<typeof startWeb>>;

beforeAll(async () => {
  console.log(`killed events: ${about}`);
  world = await flowWorld("killed_events", mortalDatabase);
  ({ database } = world);
  // no unique constraint: what is written twice is there twice
  await world.client.query(
    "CREATE TABLE arrivals (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, flow text NOT NULL, event text NOT NULL)",
  );
  // slow enough that kills meet batches that are being written, and batches that landed and are not settled
  for (const [place, table] of [
    [world.remote, "arrivals"],
    [database, "run"],
  ] as const)
    await queryDatabase(
      place,
      `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END $$;
       CREATE TRIGGER slow BEFORE INSERT ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION slow()`,
    );
}, 120_000);
beforeEach(async () => {
  web = await startWeb();
});
afterEach(async () => {
  await killProcess(web?.child);
  await killWorkers();
});
afterAll(async () => {
  await world?.end();
  vi.unstubAllEnvs();
}, 60_000);

/** The product's HTTP server, without the pages. */
async function startWeb(at = 0) {
  const child: ChildProcess = spawn(process.execPath, ["bench/event-servers.ts", "product", String(at)], {
    cwd: root,
    env: {
      ...{ ...process.env, VITEST: "", NODE_ENV: "production", NODE_COMPILE_CACHE: compiledFolder },
      ...{ DATABASE_URL: database.url, PLUMBLINE_LOG: "json" },
    },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = (await once(child.stdout as NonNullable<typeof child.stdout>, "data")) as [Buffer];
  return { child, port: Number(/listening (\d+)/.exec(line.toString())?.[1]) };
}

async function published(name: string): Promise<{ flowId: string; hook: string }> {
  const fields = [
    { to: "flow", value: name },
    { to: "event", from: "id" },
  ];
  const flowId = await publishedFlow(world.ctx, {
    format: "plumbline/1",
    name,
    brief: TEST_BRIEF,
    steps: [
      { id: "hook", kind: "webhook" },
      { id: "map", kind: "map", fields },
      { id: "write", kind: "write", connection: "Shop", sink: "arrivals", operation: "insert" },
    ],
    links: [
      { from: "hook", to: "map" },
      { from: "map", to: "write" },
    ],
  });
  const { hookKey } = await database.db.flow.findUniqueOrThrow({ where: { id: flowId } });
  return { flowId, hook: `http://127.0.0.1:${web.port}/hooks/${hookKey}` };
}

/** Parts that are being sent. */
const openParts = async () =>
  (await database.pool.query<{ n: number }>("SELECT count(*)::int AS n FROM inbox_sending")).rows[0]?.n ?? 0;

/** The worker that works on the events, once one does. A dead one's lease is free after 15 s. */
async function holder(workers: KeptWorker[]): Promise<KeptWorker> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(20)) {
    const found = await database.ask<{ pid: number }>(
      "SELECT p.pid FROM inbox_drain d JOIN process p ON p.id = d.lease_worker",
    );
    const worker = workers.find((one) => one.pid() === found[0]?.pid);
    if (worker) return worker;
  }
  throw new Error("No worker took the events within 60 s.");
}

type Strike = (strike: number, workers: KeptWorker[], accepted: ReadonlySet<string>) => Promise<void>;
/** parts that were being sent when a worker died: their outcome had to be found out */
let met = 0;
const victims: { [name: string]: { workers: number; answers: (number | "cut")[]; strike: Strike } } = {
  "the worker that writes them": {
    workers: 2,
    answers: [202],
    async strike(strike, workers) {
      const worker = await holder(workers);
      await sleep(random() * 700);
      if (strike === 1) while ((await openParts()) === 0) await sleep(5);
      await worker.kill();
      met += await openParts();
      if (strike === KILLS - 1) expect(met, about).toBeGreaterThan(0);
    },
  },
  web: {
    workers: 1,
    answers: [202, "cut"],
    async strike() {
      await sleep(300 + random() * 1_000);
      await killProcess(web.child);
      web = await startWeb(web.port); // as the supervisor does, at the same port
    },
  },
  "the database": {
    workers: 1,
    answers: [202, 503],
    async strike(_strike, _workers, accepted) {
      await sleep(500 + random() * 1_500);
      database.kill();
      await sleep(300);
      const before = accepted.size;
      await sleep(500 + random() * 1_500);
      expect(accepted.size, "accepted without a database").toBe(before);
      await database.startAgain();
    },
  },
};

it.each(Object.entries(victims))(
  "every event that was accepted lands once, though %s is killed",
  async (name, { workers: count, answers, strike }) => {
    const { flowId, hook } = await published(name);
    const workers = Array.from({ length: count }, () => keepWorker(database.url));
    const senders = sendEvents(hook, random, { senders: 8, pauseMs: 30 });
    for (let kill = 0; kill <= KILLS; kill++) {
      const wanted = senders.accepted.size + BETWEEN;
      await vi.waitUntil(() => senders.accepted.size >= wanted, { timeout: 60_000, interval: 10 });
      if (kill < KILLS) await strike(kill, workers, senders.accepted);
    }
    await senders.stop();
    const left = () => database.ask("SELECT FROM inbox_queue LIMIT 1");
    await vi.waitUntil(async () => (await left()).length === 0, { timeout: 90_000, interval: 100 });

    const events = senders.accepted.size;
    console.log(`${name}: ${events} events, of ${senders.storedUnanswered()} the sender was cut off before the answer`);
    expect([...senders.answers.keys()].sort(), about).toEqual(answers);
    expect(senders.mistaken, about).toEqual([]);
    const [there] = await queryDatabase(
      world.remote,
      "SELECT count(*)::int AS rows, count(DISTINCT event)::int AS events FROM arrivals WHERE flow = $1",
      [name],
    );
    const [runs] = await database.ask(
      `SELECT count(*)::int AS runs, count(*) FILTER (WHERE state = 'succeeded' AND read = 1 AND created = 1)::int AS written
       FROM run WHERE flow_id = $1`,
      [flowId],
    );
    const [ledger] = await database.ask(
      "SELECT count(*)::int AS ledger, count(DISTINCT run_id)::int AS \"ledgerRuns\" FROM change WHERE flow_id = $1 AND state = 'done'",
      [flowId],
    );
    expect({ ...there, ...runs, ...ledger }, about).toEqual({
      ...{ rows: events, events, runs: events, written: events, ledger: events, ledgerRuns: events },
    });
    expect(await database.ask("SELECT FROM inbox_sending"), about).toEqual([]);
  },
  240_000,
);
