import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import {
  createTestDatabase,
  queryDatabase,
  type TestDatabase as RemoteDatabase,
} from "../connectors/testing/postgres-database.ts";
import { isFinal } from "../engine/run/states.ts";
import { createConnection } from "../server/connections/change-connections.ts";
import { closeSessions } from "../server/connections/session-pool.ts";
import type { ServerContext } from "../server/context.ts";
import { cancelRun } from "../server/runs/cancel-run.ts";
import { getRunDetail } from "../server/runs/get-run.ts";
import { listChanges } from "../server/runs/list-changes.ts";
import { startRun } from "../server/runs/start-run.ts";
import { undoRun } from "../server/runs/undo-run.ts";
import { undoSince } from "../server/runs/undo-since.ts";
import { testContext } from "../server/testing/context.ts";
import { type TestDatabase, testDatabase } from "../server/testing/database.ts";
import { connectDatabase, publishedFlow, TEST_BRIEF } from "../server/testing/flows.ts";
import { killProcess, killWorkers, startWorker } from "./testing/worker-process.ts";

/** Runs that lose their worker in the middle of a page, at a moment that is held still, and then end in another way than going on. */
const ROWS = 300;

let database: TestDatabase;
let source: RemoteDatabase;
let target: RemoteDatabase;
let ctx: ServerContext;
let gate: Awaited<ReturnType<typeof commitGate>>;
let books: Awaited<ReturnType<typeof silentBooks>>;
let worker: ChildProcess | undefined;

beforeAll(async () => {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 9).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  database = await testDatabase("half_page");
  source = await createTestDatabase("half_page_source");
  target = await createTestDatabase("half_page_target");
  ctx = await testContext(database);
  await queryDatabase(source, "CREATE TABLE orders (id int PRIMARY KEY, name text)");
  await queryDatabase(source, `INSERT INTO orders SELECT i, 'order ' || i FROM generate_series(1, ${ROWS}) i`);
  await queryDatabase(target, "CREATE TABLE orders (id int PRIMARY KEY, name text NOT NULL)");
  gate = await commitGate(target.url);
  books = await silentBooks();
  await connectDatabase(ctx, "Source", source.url);
  await connectDatabase(ctx, "Target", gate.url);
  const sinks = [{ name: "invoices", key: [], create: { path: "/invoices" } }];
  await createConnection(ctx, { name: "Books", connector: "http", settings: { baseUrl: books.url, sinks } });
});
afterEach(async () => {
  await killWorkers();
  gate.open();
});
afterAll(async () => {
  await closeSessions();
  gate.close();
  books.close();
  await database.drop();
  await source.drop();
  await target.drop();
});

/** Lies before a PostgreSQL and, once shut, lets no COMMIT through. */
async function commitGate(url: string) {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let shut = false;
  let refusing = false;
  let held = 0;
  const server: Server = createServer((client) => {
    if (refusing) return void client.destroy();
    const upstream = connect(Number(port || 5432), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket
        .on("error", () => {})
        .on("close", () => {
          sockets.delete(socket);
          for (const other of [client, upstream]) other.destroy();
        });
    }
    upstream.pipe(client);
    client.on("data", (bytes) => {
      if (shut && bytes.includes("COMMIT")) held++;
      else upstream.write(bytes);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const through = new URL(url);
  through.hostname = "127.0.0.1";
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.href,
    held: () => held,
    shut: () => {
      shut = true;
    },
    /** lets nobody in any more, as a server that is gone */
    refuse: () => {
      refusing = true;
      for (const socket of sockets) socket.destroy();
    },
    open: () => {
      shut = false;
      refusing = false;
      held = 0;
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Takes invoices and, once told to, answers no more. */
async function silentBooks() {
  const taken: number[] = [];
  const state = { silentAfter: Number.POSITIVE_INFINITY, refusing: false };
  const server = createHttpServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.method !== "POST") return void response.writeHead(404).end();
    if (state.refusing) return void response.writeHead(503).end();
    taken.push(Number(JSON.parse(Buffer.concat(chunks).toString()).id));
    if (taken.length > state.silentAfter) return;
    response.writeHead(201, { "content-type": "application/json" }).end("{}");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, taken, state, close: () => server.closeAllConnections() ?? server.close() };
}

/** As the supervisor does it: the one before is known to be dead. */
function start(): void {
  worker = startWorker(database.url, { PLUMBLINE_FORMER_PID: String(worker?.pid ?? "") });
}

const kill = () => killProcess(worker);

const flow = (name: string, write: object) => ({
  format: "plumbline/1",
  name,
  brief: TEST_BRIEF,
  steps: [
    { id: "orders", kind: "read", connection: "Source", stream: "orders", sync: "full" },
    { id: "write", kind: "write", ...write },
  ],
  links: [{ from: "orders", to: "write" }],
  settings: { pageSize: 50 },
});
const toTarget = { connection: "Target", sink: "orders", operation: "upsert", match: ["id"] };

const until = (look: () => unknown) => vi.waitUntil(look, { timeout: 60_000, interval: 20 });
const stateIs = (id: string, state: string) => until(async () => (await getRunDetail(ctx, id)).state === state);
const ledgerOf = async (id: string, state: string) =>
  (await database.pool.query("SELECT record_key AS key FROM change WHERE run_id = $1 AND state = $2", [id, state]))
    .rows;

/** The next checkpoint of this run is not stored before `release`; what comes before it is. */
async function holdCheckpoint(id: string) {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query("BEGIN");
  await client.query("SELECT FROM checkpoint WHERE run_id = $1 FOR UPDATE", [id]);
  return async () => {
    // a statement that waits is carried out even when its client has died
    await client.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    await client.query("ROLLBACK");
    await client.end();
  };
}

it("a run cancelled after its worker died before the commit does not take what never landed for written", async () => {
  const flowId = await publishedFlow(ctx, flow("Cancelled", toTarget));
  gate.shut();
  const { id } = await startRun(ctx, { flowId, mode: "live" });
  start();
  await until(() => gate.held() > 0);
  await kill();
  expect((await ledgerOf(id, "done")).length).toBeGreaterThan(0);
  gate.open();
  await cancelRun(ctx, id);
  start();
  await stateIs(id, "cancelled");
  const { counts, balanced } = await getRunDetail(ctx, id);
  const [there] = await queryDatabase<{ rows: number }>(target, "SELECT count(*)::int AS rows FROM orders");
  const rows = there?.rows;
  expect(counts).toMatchObject({ created: rows, read: rows, dead: 0 });
  expect(balanced).toBe(true);
  expect(await ledgerOf(id, "done")).toHaveLength(Number(rows));
  expect((await listChanges(ctx, { runId: id, limit: 1000 })).items).toHaveLength(Number(rows));
}, 120_000);

it("a cancelled run hands over to a person what its dead worker had sent and nobody can look up", async () => {
  const write = { connection: "Books", sink: "invoices", operation: "insert" };
  const flowId = await publishedFlow(ctx, flow("In doubt", write));
  books.state.silentAfter = 70;
  const { id } = await startRun(ctx, { flowId, mode: "live" });
  start();
  await until(() => books.taken.length > 71);
  await kill();
  const sent = books.taken.length;
  await cancelRun(ctx, id);
  start();
  await stateIs(id, "cancelled");
  expect(books.taken).toHaveLength(sent); // nothing more was sent
  const { counts, balanced } = await getRunDetail(ctx, id);
  const { rows: letters } = await database.pool.query<{ code: string; id: number }>(
    "SELECT code, (data->>'id')::int AS id FROM dead_letter WHERE run_id = $1 AND state = 'open'",
    [id],
  );
  expect(new Set(letters.map(({ code }) => code))).toEqual(new Set(["may-have-arrived"]));
  // the first page is stored; of the second the answers came, but died with the worker
  expect(counts).toMatchObject({ created: 50, dead: letters.length, read: 50 + letters.length });
  expect(balanced).toBe(true);
  expect(await ledgerOf(id, "done")).toHaveLength(50);
  const asked = letters.map((letter) => letter.id);
  expect(asked).toEqual(expect.arrayContaining(books.taken.slice(50)));
  expect(asked.length).toBeLessThan(50);
}, 120_000);

it("a cancelled run counts a record once that its dead worker had sent to one of two ends, and each step its parts", async () => {
  await queryDatabase(target, "TRUNCATE orders");
  const one = flow("Two ends", toTarget);
  const invoice = { id: "invoice", kind: "write", connection: "Books", sink: "invoices", operation: "insert" };
  const links = [...one.links, { from: "orders", to: "invoice" }];
  const flowId = await publishedFlow(ctx, { ...one, steps: [...one.steps, invoice], links });
  const before = books.taken.length;
  books.state.silentAfter = before + 30;
  const { id } = await startRun(ctx, { flowId, mode: "live", limit: 50 });
  start();
  await until(() => books.taken.length > before + 30);
  await kill();
  await cancelRun(ctx, id);
  start();
  await stateIs(id, "cancelled");
  const { counts, balanced, steps } = await getRunDetail(ctx, id);
  const [there] = await queryDatabase<{ rows: number }>(target, "SELECT count(*)::int AS rows FROM orders");
  const rows = there?.rows ?? 0;
  const { dead } = counts;
  // the first call to Books was settled, of the second some were being sent
  expect(dead).toBeGreaterThan(0);
  expect(dead).toBeLessThanOrEqual(25);
  const written = Math.max(rows, 25 + dead);
  expect(counts).toMatchObject({ read: written, created: written - dead });
  expect(balanced).toBe(true);
  expect(steps.find((step) => step.id === "invoice")).toMatchObject({ in: 25 + dead, created: 25, dead });
  const atTarget = steps.find((step) => step.id === "write");
  expect({ in: atTarget?.in, created: atTarget?.created }).toEqual({ in: rows, created: rows });
  books.state.silentAfter = Number.POSITIVE_INFINITY;
}, 120_000);

/** A run that has written to the target and dies before it could store so, then is cancelled. */
async function cancelledHalfway(name: string, before: () => void) {
  await queryDatabase(target, "TRUNCATE orders");
  await queryDatabase(target, "INSERT INTO orders VALUES (1, 'as it was')");
  const flowId = await publishedFlow(ctx, flow(name, toTarget));
  const { id } = await startRun(ctx, { flowId, mode: "live" });
  await database.pool.query("INSERT INTO checkpoint (workspace_id, run_id) VALUES ($2, $1)", [id, ctx.workspaceId]);
  const release = await holdCheckpoint(id);
  start();
  // of two pages under way the second may land first, and then the row that was there is as it was
  const landed = async () => (await queryDatabase(target, "SELECT FROM orders WHERE name <> 'as it was'")).length;
  await until(async () => (await landed()) >= 50);
  await kill();
  await release();
  before();
  await cancelRun(ctx, id);
  start();
  await stateIs(id, "cancelled");
  gate.open();
  return { flowId, id, landed: await landed() };
}

const asItWas = [{ id: 1, name: "as it was" }];
async function undone({ id: undo }: { id: string }) {
  await until(async () => isFinal((await getRunDetail(ctx, undo)).state));
  return (await getRunDetail(ctx, undo)).undoCounts;
}

it("what a cancelled run had written in the middle of a page is undone with it", async () => {
  const { id, landed } = await cancelledHalfway("Cancelled halfway", () => {});
  const { counts } = await getRunDetail(ctx, id);
  expect(counts.created + counts.updated).toBe(landed);
  const preview = await undone(await undoRun(ctx, { runId: id, preview: true, onConflict: "skip" }));
  expect(preview).toEqual({ read: landed, restored: landed, conflict: 0, failed: 0 });
  expect(await undone(await undoRun(ctx, { runId: id, preview: false, onConflict: "skip" }))).toEqual(preview);
  expect(await queryDatabase(target, "SELECT * FROM orders")).toEqual(asItWas);
}, 120_000);

it("so is what nobody could look up when it ended: the target tells, of one run and of all since a moment", async () => {
  const { flowId, id, landed } = await cancelledHalfway("Cancelled in the dark", () => gate.refuse());
  expect((await ledgerOf(id, "unknown")).length).toBeGreaterThanOrEqual(landed);
  const since = new Date(Date.now() - 3_600_000).toISOString();
  const all = await undone(await undoSince(ctx, { flowId, since, preview: true, onConflict: "skip" }));
  expect(all).toMatchObject({ conflict: 0, failed: 0 });
  expect(all.restored).toBeGreaterThanOrEqual(landed);
  expect(await undone(await undoRun(ctx, { runId: id, preview: true, onConflict: "skip" }))).toEqual(all);
  expect(await undone(await undoSince(ctx, { flowId, since, preview: false, onConflict: "skip" }))).toEqual(all);
  expect(await queryDatabase(target, "SELECT * FROM orders")).toEqual(asItWas);
}, 120_000);

it("a wish to cancel is not forgotten when the run has to wait for its target in that moment", async () => {
  const write = { connection: "Books", sink: "invoices", operation: "insert" };
  const flowId = await publishedFlow(ctx, flow("Wished", write));
  books.state.silentAfter = Number.POSITIVE_INFINITY;
  books.state.refusing = true;
  const { id } = await startRun(ctx, { flowId, mode: "live", limit: 2 });
  start();
  await stateIs(id, "running");
  await cancelRun(ctx, id);
  await stateIs(id, "cancelled");
  books.state.refusing = false;
}, 120_000);

it("a dry run that lost its worker in the middle of a page lists each record once", async () => {
  await queryDatabase(target, "TRUNCATE orders");
  const flowId = await publishedFlow(ctx, flow("Dry", toTarget));
  const { id } = await startRun(ctx, { flowId, mode: "dry" });
  const pages = async () =>
    (await database.pool.query("SELECT page FROM checkpoint WHERE run_id = $1", [id])).rows[0]?.page ?? 0;
  await database.pool.query("INSERT INTO checkpoint (workspace_id, run_id) VALUES ($2, $1)", [id, ctx.workspaceId]);
  const release = await holdCheckpoint(id);
  start();
  await until(async () => (await ledgerOf(id, "foreseen")).length >= 50);
  await kill();
  await release();
  expect(await pages()).toBe(0);
  start();
  await stateIs(id, "succeeded");
  expect((await getRunDetail(ctx, id)).counts).toMatchObject({ read: ROWS, created: ROWS, unchanged: 0 });
  const { items } = await listChanges(ctx, { runId: id, limit: 1000 });
  expect(items).toHaveLength(ROWS);
  expect(new Set(items.map(({ key }) => key)).size).toBe(ROWS);
}, 120_000);

const undos = {
  "a run": (runId: string) => undoRun(ctx, { runId, preview: false, onConflict: "skip" }),
  "all runs since a moment": (_: string, flowId: string) => {
    const since = new Date(Date.now() - 3_600_000).toISOString();
    return undoSince(ctx, { flowId, since, preview: false, onConflict: "skip" });
  },
};

it.each(Object.entries(undos))(
  "an undo of %s that lost its worker in the middle of a page lists each conflict once",
  async (what, begin) => {
    await queryDatabase(target, "TRUNCATE orders");
    const flowId = await publishedFlow(ctx, flow(`Undo of ${what}`, toTarget));
    const { id } = await startRun(ctx, { flowId, mode: "live" });
    start();
    await stateIs(id, "succeeded");
    await kill();
    await queryDatabase(target, "UPDATE orders SET name = 'by hand' WHERE id <= 20");
    const { id: undo } = await begin(id, flowId);
    await database.pool.query("INSERT INTO checkpoint (workspace_id, run_id) VALUES ($2, $1)", [undo, ctx.workspaceId]);
    const release = await holdCheckpoint(undo);
    start();
    await until(async () => (await ledgerOf(undo, "foreseen")).length === 20);
    await kill();
    await release();
    start();
    await stateIs(undo, "succeeded_with_errors");
    expect((await getRunDetail(ctx, undo)).undoCounts).toMatchObject({ read: ROWS, restored: ROWS - 20, conflict: 20 });
    const { items } = await listChanges(ctx, { runId: undo, refused: true, limit: 1000 });
    expect(items).toHaveLength(20);
    expect(await queryDatabase(target, "SELECT count(*)::int AS left FROM orders")).toEqual([{ left: 20 }]);
  },
  120_000,
);
