/**
 * The whole product, as `npm start` runs it, with its web process, its worker, its PostgreSQL and all of them at once killed by
 * SIGKILL at random moments, while flows run and webhooks arrive. The order of kills follows from the seed: PLUMBLINE_TEST_SEED.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@playwright/test";
import { type FakeRest, seededRandom, startFakeRest } from "../connectors/testing/fake-rest.ts";
import {
  countUpdates,
  createTestDatabase,
  queryDatabase,
  type TestDatabase,
} from "../connectors/testing/postgres-database.ts";
import { type EventSenders, sendEvents } from "../server/testing/event-senders.ts";
import { call, type Product, startProduct, until } from "./product.ts";

const SEED = Number(process.env.PLUMBLINE_TEST_SEED ?? Math.floor(Math.random() * 1e9));
const FAULTS_FOR_MS = Number(process.env.PLUMBLINE_TEST_FAULTS_MS ?? 60_000);
const ROWS = 3_000;
const BAD = 5;
/** Promised: work goes on by itself within so long. */
const RESUMES_WITHIN_S = 30;
const KINDS = ["web", "worker", "postgres", "everything"] as const;

let product: Product;
let books: FakeRest;
/** on a server that is left alone: the product's own comes back at another port */
let source: TestDatabase;
let target: TestDatabase;

test.beforeAll(async () => {
  test.setTimeout(400_000);
  product = await startProduct("killed again and again", {
    PLUMBLINE_OWNER_EMAIL: "ana@example.com",
    PLUMBLINE_OWNER_PASSWORD: "correct-horse-9",
  });
  source = await createTestDatabase("killed_source");
  target = await createTestDatabase("killed_target");
  books = await startFakeRest({
    seed: SEED,
    collections: { invoices: { key: "id", assignIds: true } },
    faults: { unavailable: 0.02, dropBefore: 0.02, dropAfter: 0.02, slow: 1, slowMs: 5 },
  });
});
test.afterAll(async () => {
  await product?.stop();
  await books?.close();
  await source?.drop();
  await target?.drop();
});

/** Everything may be dead just now. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 120_000; ; await sleep(200)) {
    try {
      return await work();
    } catch (error) {
      const refused = error instanceof Error && /answered 4\d\d/.test(error.message);
      if (refused || Date.now() > end) throw error;
    }
  }
}

const ask = <T = Record<string, unknown>>(method: string, path: string, body?: unknown) =>
  patiently(() => call<T>(product, method, path, body));
const query = (database: string, sql: string, values?: unknown[]) =>
  patiently(() => product.query(database, sql, values));

async function pidOf(role: "web" | "worker"): Promise<number> {
  const [row] = await query("plumbline", "SELECT pid FROM process WHERE role = $1 ORDER BY started_at DESC LIMIT 1", [
    role,
  ]);
  return Number(row?.pid);
}

async function postgresPid(): Promise<number> {
  const [row] = await query("postgres", "SHOW data_directory");
  return Number(readFileSync(join(String(row?.data_directory), "postmaster.pid"), "utf8").split("\n")[0]);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {} // it was just about to be started again
}

async function strike(kind: (typeof KINDS)[number]): Promise<void> {
  const [web, worker, postgres] = [await pidOf("web"), await pidOf("worker"), await postgresPid()];
  if (kind !== "everything") return kill({ web, worker, postgres }[kind]);
  for (const pid of [product.pid(), web, worker, postgres]) kill(pid);
  await product.startAgain();
}

/** Effects in both targets so far: what shows that work goes on. */
async function written(): Promise<number> {
  const [row] = await queryDatabase(target, "SELECT coalesce(sum(writes), 0)::int AS writes FROM orders");
  return Number(row?.writes) + books.effects();
}

type Run = { id: string; state: string; error?: { message: string }; counts: { [name: string]: number } };
const FINAL = ["succeeded", "succeeded_with_errors", "failed", "cancelled"];
const look = (id: string) => ask<Run>("GET", `/runs/${id}`);
async function finished(id: string): Promise<Run> {
  for (const end = Date.now() + 240_000; ; await sleep(100)) {
    const run = await look(id);
    if (FINAL.includes(run.state)) return run;
    if (Date.now() > end) throw new Error(`Run ${id} hangs, seed ${SEED}: ${JSON.stringify(run)}`);
  }
}

const brief = {
  moves: "Orders",
  direction: "one-way",
  timing: "by hand",
  onFailure: "Ana looks at it",
  owner: "ana@example.com",
  rollback: "Undo the run",
};

type Published = { id: string; hook: string };
async function publish(
  name: string,
  { trigger = readOrders, fields, write }: { trigger?: object; fields: object[]; write: object },
  pageSize = 50,
): Promise<Published> {
  const { id } = await ask<{ id: string }>("POST", "/flows", {
    format: "plumbline/1",
    name,
    brief,
    steps: [
      { id: "trigger", ...trigger },
      { id: "map", kind: "map", fields },
      { id: "write", kind: "write", ...write },
    ],
    links: [
      { from: "trigger", to: "map" },
      { from: "map", to: "write" },
    ],
    settings: { pageSize, retry: { attempts: 50, for: "1h" } },
  });
  const { hook } = await ask<{ hook: string }>("POST", `/flows/${id}/publish`, { note: "first" });
  return { id, hook };
}
const readOrders = { kind: "read", connection: "Source", stream: "orders", sync: "full" };
const under = (key: string) => [
  { to: key, from: "id" },
  { to: "name", from: "name" },
  { to: "round", from: "round" },
];

async function prepare(): Promise<{ table: string; http: string; events: Published }> {
  await queryDatabase(source, "CREATE TABLE orders (id int PRIMARY KEY, name text, round int)");
  await queryDatabase(
    source,
    `INSERT INTO orders SELECT i, CASE WHEN i > ${BAD} THEN 'order ' || i END, 0 FROM generate_series(1, ${ROWS}) i`,
  );
  await queryDatabase(
    target,
    "CREATE TABLE orders (id int PRIMARY KEY, name text NOT NULL, round int, writes int NOT NULL DEFAULT 1)",
  );
  await countUpdates(target, "orders", "writes");
  for (const [name, { host, port, database, user, password }] of Object.entries({ Source: source, Target: target }))
    await ask("POST", "/connections", {
      name,
      connector: "postgres",
      settings: { host, port, database },
      credentials: { user, password },
    });
  const sinks = [{ name: "invoices", key: [], create: { path: "/invoices" }, idempotencyHeader: "Idempotency-Key" }];
  await ask("POST", "/connections", {
    name: "Invoices",
    connector: "http",
    settings: { baseUrl: books.url, sinks },
    credentials: {},
  });
  // no unique constraint: what is written twice is there twice
  await queryDatabase(
    target,
    "CREATE TABLE arrivals (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event text NOT NULL)",
  );
  const toTable = { connection: "Target", sink: "orders", operation: "upsert", match: ["id"] };
  const toInvoices = { connection: "Invoices", sink: "invoices", operation: "insert" };
  const table = await publish("To a table", { fields: under("id"), write: toTable }, 25);
  const http = await publish("To invoices", { fields: under("number"), write: toInvoices });
  const events = await publish("From a webhook", {
    trigger: { kind: "webhook" },
    fields: [{ to: "event", from: "id" }],
    write: { connection: "Target", sink: "arrivals", operation: "insert" },
  });
  return { table: table.id, http: http.id, events };
}

/** Every change of a run that is listed, by its key. */
async function keysOf(id: string): Promise<string[]> {
  const keys: string[] = [];
  for (let cursor = ""; ; ) {
    const page = await ask<{ items: { key: string }[]; next: string | null }>(
      "GET",
      `/runs/${id}/changes?limit=1000${cursor === "" ? "" : `&cursor=${cursor}`}`,
    );
    keys.push(...page.items.map(({ key }) => key));
    if (page.next === null) return keys;
    cursor = page.next;
  }
}

/** One run into the table and its undo, then the run again; afterwards every row was written exactly as often. */
async function tableRound(flow: string, round: number, writes: { n: number }): Promise<void> {
  const about = `round ${round} into the table, seed ${SEED}`;
  await queryDatabase(source, `UPDATE orders SET round = ${round}`);
  const good = ROWS - BAD;
  const { id } = await ask<Run>("POST", `/flows/${flow}/runs`, { mode: "live" });
  const run = await finished(id);
  expect({ state: run.state, error: run.error }, about).toEqual({ state: "succeeded_with_errors", error: undefined });
  expect(run.counts, about).toMatchObject({ read: ROWS, dead: BAD });
  expect(Number(run.counts.created) + Number(run.counts.updated), about).toBe(good);
  const keys = await keysOf(id);
  expect([keys.length, new Set(keys).size], `changes of run ${id}, ${about}`).toEqual([good, good]);
  writes.n++;
  const held = () =>
    queryDatabase(
      target,
      "SELECT count(*)::int AS rows, min(round) AS least, max(round) AS most, min(writes) AS fewest, max(writes) AS times FROM orders",
    );
  expect(await held(), about).toEqual([{ rows: good, least: round, most: round, fewest: writes.n, times: writes.n }]);
  if (round === 1) return; // undone it would be gone, and with it the number of writes
  const { id: undoId } = await ask<Run>("POST", `/runs/${id}/undo`, { onConflict: "skip" });
  const undone = await finished(undoId);
  expect({ state: undone.state, error: undone.error }, about).toEqual({ state: "succeeded", error: undefined });
  expect(undone.counts, about).toMatchObject({ read: good, restored: good, conflict: 0, failed: 0 });
  writes.n++;
  expect(await held(), `undo ${undoId}, ${about}`).toEqual([
    { rows: good, least: round - 1, most: round - 1, fewest: writes.n, times: writes.n },
  ]);
  await queryDatabase(source, `UPDATE orders SET round = ${round}`);
  const { id: againId } = await ask<Run>("POST", `/flows/${flow}/runs`, { mode: "live" });
  await finished(againId);
  writes.n++;
  expect(await held(), `again ${againId}, ${about}`).toMatchObject([{ rows: good, times: writes.n }]);
}

async function httpRound(flow: string, round: number): Promise<void> {
  const about = `round ${round} by HTTP, seed ${SEED}`;
  const before = books.collection("invoices").records.size;
  const { id } = await ask<Run>("POST", `/flows/${flow}/runs`, { mode: "live", limit: 250 });
  const run = await finished(id);
  const letters = await ask<{ items: { key: string; reason: string }[] }>("GET", `/dead-letters?run=${id}`);
  const reasons = letters.items.map(({ key, reason }) => `${key}: ${reason}`);
  expect({ state: run.state, error: run.error, reasons }, about).toEqual({
    state: "succeeded",
    error: undefined,
    reasons: [],
  });
  expect(run.counts, about).toMatchObject({ read: 250, created: 250, dead: 0 });
  const records = [...books.collection("invoices").records.values()].slice(before);
  expect([records.length, new Set(records.map((record) => record.number)).size], about).toEqual([250, 250]);
  expect(await keysOf(id), about).toHaveLength(250);
}

/** Every event that was accepted is written once, by a run of its own, however often it was sent. */
async function eventsArrived(flow: string, senders: EventSenders): Promise<void> {
  const about = `seed ${SEED}`;
  const events = senders.accepted.size;
  const arrivals = () =>
    queryDatabase<{ rows: number; events: number }>(
      target,
      "SELECT count(*)::int AS rows, count(DISTINCT event)::int AS events FROM arrivals",
    );
  await until(`all of ${events} events to be written, ${about}`, 120, async () => {
    const [there] = await arrivals();
    return (there?.rows ?? 0) >= events ? true : undefined;
  });
  const left = () => query("plumbline", "SELECT FROM inbox_queue");
  await until(`all events to be settled, ${about}`, 60, async () => ((await left()).length === 0 ? true : undefined));
  expect(await arrivals(), about).toEqual([{ rows: events, events }]);
  const runs = `SELECT count(*)::int AS runs, count(*) FILTER (WHERE state = 'succeeded' AND read = 1 AND created = 1)::int AS written
    FROM run WHERE flow_id = $1`;
  expect(await query("plumbline", runs, [flow]), about).toEqual([{ runs: events, written: events }]);
  expect(senders.mistaken, about).toEqual([]);
  // refused only because the database is away; and some were cut off by the end of web
  expect(senders.answers.get("cut"), about).toBeGreaterThan(0);
  expect(
    [...senders.answers.keys()].filter((status) => ![202, 503, "cut"].includes(status)),
    about,
  ).toEqual([]);
}

test("whatever is killed, and when: work goes on by itself, and everything is written once", async () => {
  test.setTimeout(900_000);
  console.log(`killed: seed ${SEED}`);
  const flows = await prepare();
  const random = seededRandom(SEED);
  const faultsEnd = Date.now() + FAULTS_FOR_MS;
  const counts: { [kind: string]: number } = {};
  const gaps: number[] = [];
  const senders = sendEvents(`${product.url}${flows.events.hook}`, seededRandom(SEED + 1), {
    senders: 3,
    pauseMs: 100,
  });
  const faults = (async () => {
    for (let strikes = 0; Date.now() < faultsEnd || strikes < KINDS.length; strikes++) {
      await sleep(500 + random() * 5_000);
      // each at least once
      const kind = KINDS[
        strikes < KINDS.length ? strikes : Math.floor(random() * KINDS.length)
      ] as (typeof KINDS)[number];
      const struckAt = Date.now();
      await strike(kind);
      counts[kind] = (counts[kind] ?? 0) + 1;
      const before = await written();
      const accepted = senders.accepted.size;
      await until(`work to go on after the end of ${kind}, seed ${SEED}`, RESUMES_WITHIN_S, async () => {
        const health = await call<{ status: string }>(product, "GET", "/health").catch(() => undefined);
        const goesOn = senders.accepted.size > accepted && (await written()) > before;
        return health?.status === "ok" && goesOn ? health : undefined;
      });
      gaps.push(Date.now() - struckAt);
    }
  })();
  const writes = { n: 0 };
  const rounds = await Promise.all([
    (async () => {
      let round = 0;
      do await tableRound(flows.table, ++round, writes);
      while (Date.now() < faultsEnd);
      return round;
    })(),
    (async () => {
      let round = 0;
      do await httpRound(flows.http, ++round);
      while (Date.now() < faultsEnd);
      return round;
    })(),
  ]);
  await faults;
  await senders.stop();
  await eventsArrived(flows.events.id, senders);
  console.log(
    `killed: ${JSON.stringify(counts)}; rounds ${rounds.join(", ")}; back after at most ${Math.max(...gaps)} ms; ` +
      `events ${senders.accepted.size}, answers ${JSON.stringify([...senders.answers])}, stored before their sender was cut off ${senders.storedUnanswered()}`,
  );
});

test("a stop ends every process, and the next start finds all as it was", async () => {
  test.setTimeout(200_000);
  const pids = [product.pid(), await pidOf("web"), await pidOf("worker"), await postgresPid()];
  const before = await ask<{ items: Run[] }>("GET", "/runs?limit=1000");
  const askedAt = Date.now();
  process.kill(product.pid(), "SIGTERM");
  const alive = () =>
    pids.filter((pid) => {
      try {
        process.kill(pid, 0);
        return true;
      } catch {
        return false;
      }
    });
  await until("every process to end", 15, async () => (alive().length === 0 ? true : undefined));
  console.log(`stopped after ${Date.now() - askedAt} ms`);
  const startedAt = Date.now();
  await product.startAgain();
  console.log(`started again after ${Date.now() - startedAt} ms`);
  expect(Date.now() - startedAt).toBeLessThan(60_000); // 10 s on a machine with nothing else to do
  expect(await ask<{ items: Run[] }>("GET", "/runs?limit=1000")).toEqual(before);
});
