import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type FakeRest, startFakeRest } from "../../../connectors/testing/fake-rest.ts";
import {
  createTestDatabase,
  type TestDatabase as RemoteDatabase,
} from "../../../connectors/testing/postgres-database.ts";
import type { ServerContext } from "../../context.ts";
import { getRunDetail } from "../../runs/get-run.ts";
import { startRun } from "../../runs/start-run.ts";
import { undoRun } from "../../runs/undo-run.ts";
import { callerFor, testContext } from "../../testing/context.ts";
import { type TestDatabase, testDatabase } from "../../testing/database.ts";
import { connectDatabase, publishedFlow, runToEnd, TEST_BRIEF } from "../../testing/flows.ts";
import { createConnection } from "../change-connections.ts";
import { closeSessions } from "../session-pool.ts";
import { probeDue } from "./probe.ts";

/** A real HTTP server that is stopped and started again, a real database as the source. */
let database: TestDatabase;
let source: RemoteDatabase;
let ctx: ServerContext;
let port: number;
let books: FakeRest;
let booksId: string;

const startBooks = async (at = 0) =>
  startFakeRest({ port: at, collections: { invoices: { key: "number", required: ["number"] } } });

beforeAll(async () => {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 5).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  database = await testDatabase("outage");
  source = await createTestDatabase("outage_source");
  ctx = await testContext(database);
  const client = new pg.Client({ connectionString: source.url });
  await client.connect();
  await client.query("CREATE TABLE orders (number text PRIMARY KEY, total int)");
  await client.query("INSERT INTO orders SELECT 'n' || i, i FROM generate_series(1, 312) i");
  await client.end();
  books = await startBooks();
  port = Number(new URL(books.url).port);
  await connectDatabase(ctx, "Shop", source.url);
  const { id } = await createConnection(ctx, {
    name: "Books",
    connector: "http",
    settings: {
      baseUrl: books.url,
      sinks: [
        {
          name: "invoices",
          key: ["number"],
          create: { path: "/invoices" },
          update: { path: "/invoices/{number}" },
          delete: { path: "/invoices/{number}" },
          read: { path: "/invoices/{number}" },
        },
      ],
      limits: { concurrent: 6 },
    },
  });
  booksId = id;
});
afterAll(async () => {
  await closeSessions();
  await books.close();
  await database.drop();
  await source.drop();
});
beforeEach(async () => {
  await books.close();
  books = await startBooks(port);
});

const flow = (name: string) => ({
  format: "plumbline/1",
  name,
  brief: TEST_BRIEF,
  steps: [
    { id: "orders", kind: "read", connection: "Shop", stream: "orders", sync: "full" },
    { id: "books", kind: "write", connection: "Books", sink: "invoices", operation: "upsert", match: ["number"] },
  ],
  links: [{ from: "orders", to: "books" }],
  settings: { retry: { attempts: 1, for: "10s" } },
});

const attemptsOf = async (id: string) =>
  (await database.pool.query("SELECT failures, wait_reason AS reason FROM run WHERE id = $1", [id])).rows[0];
const probeNow = async () => {
  // a second ago: stored times are rounded to the millisecond, so “now” may be a moment that is still to come
  await database.pool.query(
    "UPDATE connection_guard SET next_probe_at = now() - interval '1 second', probing_until = NULL",
  );
  return await probeDue(database);
};

describe("a target that is down", () => {
  it("costs no attempt and no dead letter: runs wait with their records held, and go on when the probe succeeds", async () => {
    const flows = [await publishedFlow(ctx, flow("One")), await publishedFlow(ctx, flow("Two"))];
    await books.close();
    const runs: string[] = [];
    for (const flowId of flows) {
      const { id } = await startRun(ctx, { flowId, mode: "live" });
      await runToEnd(database, id);
      runs.push(id);
    }
    for (const id of runs) {
      expect(await attemptsOf(id)).toEqual({ failures: 0, reason: "target" });
      const run = await getRunDetail(ctx, id);
      expect(run).toMatchObject({ state: "waiting", balanced: true });
      expect(run.counts.dead).toBe(0);
    }
    // the second run did not even ask: it knows from the first
    expect((await getRunDetail(ctx, runs[0]!)).counts).toMatchObject({ read: 312, held: 312 });

    for (let probes = 0; probes < 3; probes++)
      expect(await probeNow()).toEqual([expect.objectContaining({ connection: "Books", up: false, runs: [] })]);
    expect(await attemptsOf(runs[0]!)).toEqual({ failures: 0, reason: "target" });

    books = await startBooks(port);
    const [probed] = await probeNow();
    expect(probed).toMatchObject({ up: true });
    expect([...(probed?.runs ?? [])].sort()).toEqual([...runs].sort());
    for (const id of runs) {
      await runToEnd(database, id);
      expect((await getRunDetail(ctx, id)).counts).toMatchObject({ read: 312, held: 0, dead: 0 });
    }
    expect(books.collection("invoices").records.size).toBe(312);
    expect(books.effects()).toBe(312);
    expect(await probeNow()).toEqual([]);
  }, 120_000);

  it("goes down in the middle of a page: what arrived is not sent again", async () => {
    const flowId = await publishedFlow(ctx, flow("Middle"));
    const { id } = await startRun(ctx, { flowId, mode: "live" });
    books.faults.slow = 1;
    books.faults.slowMs = 20;
    const running = runToEnd(database, id);
    await vi.waitUntil(() => books.effects() > 60, { timeout: 20_000 });
    const arrived = new Map(books.collection("invoices").records);
    await books.close();
    await running;
    expect(await attemptsOf(id)).toEqual({ failures: 0, reason: "target" });
    const { counts } = await getRunDetail(ctx, id);
    expect(counts.held).toBeLessThanOrEqual(312 - 50);
    expect(counts.held).toBeGreaterThan(100);

    books = await startBooks(port);
    for (const [key, record] of arrived) books.collection("invoices").records.set(key, record);
    await probeNow();
    await runToEnd(database, id);
    const after = await getRunDetail(ctx, id);
    expect(after).toMatchObject({ state: "succeeded", balanced: true });
    expect(after.counts).toMatchObject({ read: 312, held: 0, dead: 0 });
    expect(after.counts.created + after.counts.updated + after.counts.unchanged).toBe(312);
    expect(books.collection("invoices").records.size).toBe(312);
    expect(books.effects()).toBe(312 - arrived.size);
  }, 120_000);

  it("is put back when it answers again: an undo waits like any run, and leaves nothing undone", async () => {
    const flowId = await publishedFlow(ctx, flow("Undone"));
    const { id } = await startRun(ctx, { flowId, mode: "live" });
    await runToEnd(database, id);
    books.faults.slow = 1;
    books.faults.slowMs = 20;
    const undo = await undoRun(ctx, { runId: id, preview: false, onConflict: "skip" });
    const running = runToEnd(database, undo.id);
    await vi.waitUntil(() => books.collection("invoices").records.size < 250, { timeout: 20_000 });
    await books.close();
    const left = new Map(books.collection("invoices").records);
    await running;
    expect(await attemptsOf(undo.id)).toEqual({ failures: 0, reason: "target" });
    expect((await getRunDetail(ctx, undo.id)).undoCounts).toMatchObject({ failed: 0 });

    books = await startBooks(port);
    for (const [key, record] of left) books.collection("invoices").records.set(key, record);
    books.faults.unavailable = 0.2;
    await probeNow();
    await runToEnd(database, undo.id);
    const after = await getRunDetail(ctx, undo.id);
    expect(after).toMatchObject({ state: "succeeded", balanced: true });
    expect(after.undoCounts).toEqual({ read: 312, restored: 312, conflict: 0, failed: 0 });
    expect(books.collection("invoices").records.size).toBe(0);
  }, 120_000);

  it("answers the probe but fails at what is asked: that uses up attempts, and ends", async () => {
    const half = createServer((request, response) => {
      request.resume();
      response.writeHead(request.method === "POST" ? 500 : 404).end();
    }).listen(0, "127.0.0.1");
    await once(half, "listening");
    const baseUrl = `http://127.0.0.1:${(half.address() as AddressInfo).port}`;
    const sinks = [{ name: "invoices", key: ["number"], create: { path: "/invoices" } }];
    await createConnection(ctx, { name: "Half", connector: "http", settings: { baseUrl, sinks } });
    const document = flow("Half");
    document.steps[1] = { ...document.steps[1], connection: "Half", operation: "insert", match: undefined } as never;
    const flowId = await publishedFlow(ctx, document);
    const { id } = await startRun(ctx, { flowId, mode: "live", limit: 3 });
    await runToEnd(database, id);
    expect(await attemptsOf(id)).toEqual({ failures: 0, reason: null });
    // a 500 may have taken effect, and nothing can tell: a person decides
    expect((await getRunDetail(ctx, id)).counts).toMatchObject({ read: 3, dead: 3 });
    half.close();
  }, 120_000);

  it("is told of with what waits and when it is tried next; “try now” lets the runs go on at once", async () => {
    const flowId = await publishedFlow(ctx, flow("Shown"));
    await books.close();
    const { id } = await startRun(ctx, { flowId, mode: "live" });
    await runToEnd(database, id);
    const caller = callerFor(ctx);
    const shown = (await caller.connections.list({})).find((connection) => connection.id === booksId);
    expect(shown).toMatchObject({ state: "unreachable", outage: { waitingRuns: 1, waitingRecords: 312 } });
    expect(Date.parse(shown?.outage?.nextTryAt ?? "")).toBeGreaterThan(Date.now());
    expect((await caller.runs.get({ runId: id })).waiting).toMatchObject({ connectionId: booksId, until: null });
    const { attention } = await caller.home.summary({});
    expect(attention[0]).toMatchObject({ kind: "connection", outage: { connectionName: "Books" } });
    expect(await caller.connections.tryNow({ id: booksId })).toMatchObject({ ok: false });
    books = await startBooks(port);
    expect(await caller.connections.tryNow({ id: booksId })).toMatchObject({ ok: true });
    expect((await caller.runs.get({ runId: id })).state).toBe("queued");
    await runToEnd(database, id);
    expect((await caller.runs.get({ runId: id })).counts).toMatchObject({ created: 312 });
    expect((await caller.connections.list({})).every(({ outage }) => outage === null)).toBe(true);
  }, 60_000);

  const open = async () =>
    await database.pool.query(
      `UPDATE connection_guard SET state = 'open', next_probe_at = now() - interval '1 second', probing_until = NULL
       WHERE connection_id = $1`,
      [booksId],
    );

  it("is probed by one worker at a time", async () => {
    await open();
    const all = await Promise.all([probeDue(database), probeDue(database), probeDue(database)]);
    expect(all.flat()).toHaveLength(1);
  });

  it("is probed also while a worker stores the pace of the same connection", async () => {
    await open();
    const storing = await database.pool.connect();
    try {
      await storing.query("BEGIN");
      await storing.query("UPDATE connection_guard SET pace_version = pace_version + 1 WHERE connection_id = $1", [
        booksId,
      ]);
      const probing = probeDue(database);
      const waits = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
        AND query LIKE 'UPDATE connection_guard SET probing_until%'`;
      await vi.waitUntil(async () => (await database.pool.query(waits)).rowCount === 1, { timeout: 10_000 });
      await storing.query("COMMIT");
      expect(await probing).toEqual([expect.objectContaining({ connection: "Books", up: true })]);
    } finally {
      storing.release();
    }
  });
});
