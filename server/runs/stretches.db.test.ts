import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase as RemoteDatabase } from "../../connectors/testing/postgres-database.ts";
import { closeCircuit } from "../connections/guard/circuit.ts";
import { closeSessions } from "../connections/session-pool.ts";
import type { ServerContext } from "../context.ts";
import { runStore } from "../db/run-store/store.ts";
import { pauseFlow } from "../flows/pause-flow.ts";
import { resumeFlow } from "../flows/resume-flow.ts";
import { showPresence } from "../processes/presence.ts";
import { Cable } from "../testing/cable.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { connectDatabase, publishedFlow, runToEnd, TEST_BRIEF } from "../testing/flows.ts";
import { requireKnownWorkspaces } from "../testing/known-workspaces.ts";
import { cancelRun } from "./cancel-run.ts";
import { claimStretch, releaseAbandonedStretches } from "./claim-stretch.ts";
import { executeRun, executeStretch } from "./execute-run.ts";
import { getRun } from "./get-run.ts";
import { isOutage } from "./outage.ts";
import { recoverRuns } from "./recover-runs.ts";
import { startRun } from "./start-run.ts";
import { undoRun } from "./undo-run.ts";

/** Runs divided into stretches, on real databases, worked on by several workers within this process. */
const ROWS = 2_000;
const BAD = 5;

let database: TestDatabase;
let shopDb: RemoteDatabase;
let booksDb: RemoteDatabase;
let shop: pg.Pool;
let books: pg.Pool;
let ctx: ServerContext;
let booksId: string;
let cable: Cable;

beforeAll(async () => {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 7).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  vi.stubEnv("PLUMBLINE_STRETCH_ROWS", "250");
  database = await testDatabase("stretches");
  await requireKnownWorkspaces(database.pool);
  shopDb = await createTestDatabase("stretch_shop");
  booksDb = await createTestDatabase("stretch_books");
  shop = new pg.Pool({ connectionString: shopDb.url });
  books = new pg.Pool({ connectionString: booksDb.url });
  for (const pool of [shop, books]) pool.on("error", () => {});
  cable = new Cable(booksDb.url);
  await shop.query(
    "CREATE TABLE orders (id int PRIMARY KEY, email text, total numeric(12,2), updated_at timestamptz DEFAULT now())",
  );
  await shop.query(
    `INSERT INTO orders SELECT i, CASE WHEN i % ${ROWS / BAD} = 0 THEN NULL ELSE 'a' || i END, i FROM generate_series(1, ${ROWS}) i`,
  );
  await shop.query("ANALYZE orders");
});

afterEach(closeSessions); // each test has connections of its own

afterAll(async () => {
  cable.cut();
  await shop.end();
  await books.end();
  await database.drop();
  await shopDb.drop();
  await booksDb.drop();
});

beforeEach(async () => {
  ctx = await testContext(database);
  await books.query(`DROP TABLE IF EXISTS invoices;
    CREATE TABLE invoices (number text PRIMARY KEY, email text NOT NULL, net numeric(12,2), writes int NOT NULL DEFAULT 1)`);
  await books.query(`CREATE OR REPLACE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.writes := OLD.writes + 1; RETURN NEW; END $$;
    CREATE TRIGGER bump BEFORE UPDATE ON invoices FOR EACH ROW EXECUTE FUNCTION bump()`);
  await connectDatabase(ctx, "Shop", shopDb.url);
  await cable.mend();
  booksId = await connectDatabase(ctx, "Books", cable.url(booksDb.url));
});

const flow = (settings: { [name: string]: unknown } = {}) => ({
  format: "plumbline/1",
  name: "Orders",
  brief: TEST_BRIEF,
  steps: [
    { id: "orders", kind: "read", connection: "Shop", stream: "orders", sync: "full" },
    {
      id: "invoice",
      kind: "map",
      fields: [
        { to: "number", from: "id", apply: ["text"] },
        { to: "email", from: "email" },
        { to: "net", from: "total" },
      ],
    },
    { id: "books", kind: "write", connection: "Books", sink: "invoices", operation: "upsert", match: ["number"] },
  ],
  links: [
    { from: "orders", to: "invoice" },
    { from: "invoice", to: "books" },
  ],
  settings: { pageSize: 50, ...settings },
});

type Worker = { id: string; pages: Promise<void>; ends: string[]; stop(): Promise<void> };

/** Works on stretches like `worker/stretches.ts`, until stopped. */
async function worker(sliceMs = 20_000): Promise<Worker> {
  const presence = await showPresence(database.pool, "worker");
  const control = new AbortController();
  const ends: string[] = [];
  const services = { db: database.db, pool: database.pool, workerId: presence.id, sliceMs };
  const pages = (async () => {
    while (!control.signal.aborted) {
      try {
        const stretch = await claimStretch(database.pool, presence.id, { busy: [], recent: [] });
        if (stretch) ends.push(await executeStretch(services, { stretch, signal: control.signal }));
        else await new Promise((resolve) => setTimeout(resolve, 5));
      } catch (error) {
        // the server of all tests may have no connection left for a moment
        if (!isOutage(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 200));
        await releaseAbandonedStretches(database.pool, presence.id, []).catch(() => {});
      }
    }
  })();
  const stop = async () => {
    control.abort(new Error("The worker is stopping."));
    await pages;
    await presence.stop();
  };
  return { id: presence.id, pages, ends, stop };
}

async function withWorkers(count: number, work: () => Promise<unknown>, sliceMs?: number): Promise<Worker[]> {
  const workers = await Promise.all(Array.from({ length: count }, () => worker(sliceMs)));
  try {
    await work();
  } finally {
    for (const one of workers) await one.stop();
  }
  return workers;
}

/** Starts a run, divides it, and leaves its stretches to whoever takes them. */
async function dividedRun(flowId: string): Promise<string> {
  const { id } = await startRun(ctx, { flowId, mode: "live" });
  await runToEnd(database, id);
  return id;
}

/** Takes up a run whose job is due, as the queue would. */
const takeUp = (runId: string) =>
  executeRun(
    { db: database.db, pool: database.pool, workerId: "queue" },
    { run: runId, signal: new AbortController().signal },
  );

async function state(id: string): Promise<string> {
  const { rows } = await database.pool.query<{ state: string }>("SELECT state FROM run WHERE id = $1", [id]);
  return rows[0]!.state;
}

async function until(id: string, ...states: string[]): Promise<void> {
  await vi.waitUntil(async () => states.includes(await state(id)), { timeout: 60_000, interval: 10 });
}

const stretches = async (id: string) =>
  (
    await database.pool.query(
      "SELECT number, state, page, first_page, ending FROM run_stretch WHERE run_id = $1 ORDER BY number",
      [id],
    )
  ).rows;

/** The balance closes; ledger, letters and target say what the counters say; every row was written once. */
async function expectWhole(id: string, writes = 1): Promise<void> {
  const { run, balanced, steps } = await getRun(ctx, id);
  expect(run).toMatchObject({ state: "succeeded_with_errors", error: null });
  expect(balanced).toBe(true);
  const { read, created, updated, dead } = run.counts;
  expect({ read, written: created + updated, dead }).toEqual({ read: ROWS, written: ROWS - BAD, dead: BAD });
  const byStep = new Map(steps.map((step) => [step.id, step]));
  expect(byStep.get("invoice")).toMatchObject({ in: ROWS, out: ROWS });
  expect(byStep.get("books")).toMatchObject({ in: ROWS, dead: BAD });
  const ledger = await database.pool.query(
    "SELECT count(*)::int AS rows, count(DISTINCT record_key)::int AS keys FROM change WHERE run_id = $1 AND state = 'done'",
    [id],
  );
  expect(ledger.rows[0]).toEqual({ rows: ROWS - BAD, keys: ROWS - BAD });
  const letters = await database.pool.query(
    "SELECT count(DISTINCT key)::int AS keys FROM dead_letter WHERE run_id = $1",
    [id],
  );
  expect(letters.rows[0]).toEqual({ keys: BAD });
  const target = await books.query(
    "SELECT count(*)::int AS rows, min(writes) AS fewest, max(writes) AS most FROM invoices",
  );
  expect(target.rows[0]).toEqual({ rows: ROWS - BAD, fewest: writes, most: writes });
  expect(await stretches(id)).toEqual([]);
  const sending = await database.pool.query("SELECT FROM sending_page WHERE run_id = $1", [id]);
  expect(sending.rowCount).toBe(0);
}

describe("a divided run", { timeout: 120_000 }, () => {
  test("is one run in the history, whoever works on it", async () => {
    const id = await dividedRun(await publishedFlow(ctx, flow()));
    expect(await state(id)).toBe("running");
    expect(await stretches(id)).toHaveLength(8);
    const workers = await withWorkers(3, () => until(id, "succeeded_with_errors"));
    for (const { ends } of workers) expect(ends.filter((end) => end === "finished").length).toBeGreaterThan(0);
    await expectWhole(id);
  });

  test("goes on stretch by stretch when time slices are over", async () => {
    const id = await dividedRun(await publishedFlow(ctx, flow({ pageSize: 10 })));
    const workers = await withWorkers(2, () => until(id, "succeeded_with_errors"), 0);
    expect(workers.flatMap(({ ends }) => ends).filter((end) => end === "yielded").length).toBeGreaterThan(20);
    await expectWhole(id);
  });

  test("is taken over from workers that died, wherever they were", async () => {
    const id = await dividedRun(await publishedFlow(ctx, flow()));
    // a worker that took two stretches, and is never heard of again
    for (let taken = 0; taken < 2; taken++) await claimStretch(database.pool, "gone", { busy: [], recent: [] });
    expect((await stretches(id)).filter((one) => one.state === "running")).toHaveLength(2);
    await withWorkers(2, async () => {
      await vi.waitUntil(
        async () =>
          (await stretches(id)).length > 0 && (await stretches(id)).filter((one) => one.state === "done").length === 6,
        { timeout: 60_000 },
      );
      expect(await state(id)).toBe("running");
      await recoverRuns(database.pool);
      await until(id, "succeeded_with_errors");
    });
    await expectWhole(id);
  });

  test("a worker that was taken for dead stops, and nothing lands twice", async () => {
    const id = await dividedRun(await publishedFlow(ctx, flow()));
    const first = await worker();
    await vi.waitUntil(async () => (await getRun(ctx, id)).run.counts.read > 200, { timeout: 60_000, interval: 5 });
    // it may just be between two stretches
    const lost = async () => {
      await database.pool.query("DELETE FROM process WHERE id = $1", [first.id]);
      await recoverRuns(database.pool);
      return first.ends.includes("lost");
    };
    await vi.waitUntil(lost, { timeout: 60_000, interval: 10 });
    await withWorkers(2, () => until(id, "succeeded_with_errors"));
    await first.stop();
    await expectWhole(id);
  });

  test("a worker that is asked to stop gives its stretch back", async () => {
    const id = await dividedRun(await publishedFlow(ctx, flow()));
    await withWorkers(2, () =>
      vi.waitUntil(async () => (await getRun(ctx, id)).run.counts.read > 300, { timeout: 60_000, interval: 5 }),
    );
    expect(await state(id)).toBe("running");
    expect((await stretches(id)).every((one) => one.state !== "running")).toBe(true);
    await withWorkers(2, () => until(id, "succeeded_with_errors"));
    await expectWhole(id);
  });

  test("halts as a whole when it is cancelled, and counts what was written", async () => {
    const id = await dividedRun(await publishedFlow(ctx, flow()));
    await withWorkers(3, async () => {
      await vi.waitUntil(async () => (await getRun(ctx, id)).run.counts.read > 300, { timeout: 60_000, interval: 5 });
      await cancelRun(ctx, id);
      await until(id, "cancelled");
    });
    const { run, balanced } = await getRun(ctx, id);
    expect(balanced).toBe(true);
    expect(run.counts.read).toBeLessThan(ROWS);
    const { rows } = await books.query("SELECT count(*)::int AS rows FROM invoices");
    expect(rows[0].rows).toBe(run.counts.created);
    expect(await stretches(id)).toEqual([]);
    // its flow is free
    const next = await dividedRun((await getRun(ctx, id)).run.flowId);
    expect(await state(next)).toBe("running");
  });

  test("is cancelled also when nobody works on it", async () => {
    const id = await dividedRun(await publishedFlow(ctx, flow()));
    await cancelRun(ctx, id);
    await withWorkers(1, () => until(id, "cancelled"));
  });

  test("looks up what a dead worker had sent before it is cancelled", async () => {
    const id = await dividedRun(await publishedFlow(ctx, flow()));
    const stretch = await claimStretch(database.pool, "gone", { busy: [], recent: [] });
    // it had entered a page in the ledger: of its two records one had arrived
    const { lease } = stretch!;
    const draft = (key: string) => ({
      ...{ operation: "create" as const, key, sourceKey: key, idempotencyKey: key, undo: "possible" as const },
      ...{ identity: { number: key }, before: null, after: { number: key, email: `a${key}`, net: `${key}.00` } },
    });
    const address = {
      step: "books",
      connection: booksId,
      sink: "invoices",
      page: lease.stretch!.firstPage,
      part: 100_000,
    };
    await runStore(database.pool, lease).enter(address, [draft("1"), draft("2")], undefined);
    await books.query("INSERT INTO invoices VALUES ('1', 'a1', 1.00)");
    await cancelRun(ctx, id);
    await withWorkers(2, async () => {
      await vi.waitUntil(async () => (await stretches(id)).some((one) => one.ending !== null), { timeout: 30_000 });
      await recoverRuns(database.pool);
      await until(id, "cancelled");
    });
    const { run, balanced } = await getRun(ctx, id);
    expect(balanced).toBe(true);
    const { rows } = await books.query("SELECT count(*)::int AS rows FROM invoices");
    expect(run.counts).toMatchObject({ created: rows[0].rows, dead: 0 });
    const ledger = await database.pool.query(
      "SELECT record_key AS key, state FROM change WHERE run_id = $1 AND record_key IN ('1', '2') ORDER BY 1, 2",
      [id],
    );
    expect(ledger.rows).toEqual([
      { key: "1", state: "done" },
      { key: "2", state: "void" },
    ]);
    expect(await stretches(id)).toEqual([]);
  });

  test("is cancelled while it waits, too", async () => {
    const flowId = await publishedFlow(ctx, flow());
    const id = await dividedRun(flowId);
    await withWorkers(2, async () => {
      await vi.waitUntil(async () => (await getRun(ctx, id)).run.counts.read > 300, { timeout: 60_000, interval: 5 });
      await pauseFlow(ctx, flowId);
      await until(id, "waiting");
      await cancelRun(ctx, id);
      await takeUp(id);
      await until(id, "cancelled");
    });
    const { run, balanced } = await getRun(ctx, id);
    expect(balanced).toBe(true);
    const { rows } = await books.query("SELECT count(*)::int AS rows FROM invoices");
    expect(run.counts.created).toBe(rows[0].rows);
  });

  test("pauses as a whole, and goes on where each stretch was", async () => {
    const flowId = await publishedFlow(ctx, flow());
    const id = await dividedRun(flowId);
    await withWorkers(3, async () => {
      await vi.waitUntil(async () => (await getRun(ctx, id)).run.counts.read > 300, { timeout: 60_000, interval: 5 });
      await pauseFlow(ctx, flowId);
      await until(id, "waiting");
      const { run } = await getRun(ctx, id);
      expect(run.waiting?.reason).toContain("stopped");
      const before = await stretches(id);
      expect(before.every((one) => one.state !== "running")).toBe(true);
      await resumeFlow(ctx, flowId);
      await takeUp(id);
      for (const one of await stretches(id)) expect(one.page).toBeGreaterThanOrEqual(before[one.number].page);
      await until(id, "succeeded_with_errors");
    });
    await expectWhole(id);
  });

  test("waits as a whole while its target is away, and goes on by itself", async () => {
    const id = await dividedRun(await publishedFlow(ctx, flow()));
    await withWorkers(3, async () => {
      await vi.waitUntil(async () => (await getRun(ctx, id)).run.counts.read > 300, { timeout: 60_000, interval: 5 });
      cable.cut();
      await until(id, "waiting", "failed");
      const { run, balanced } = await getRun(ctx, id);
      expect(run).toMatchObject({ state: "waiting", waiting: { connectionId: booksId } });
      expect(run.counts.held).toBeGreaterThan(0);
      expect(balanced).toBe(true);
      await cable.mend();
      expect(await closeCircuit(database.pool, { id: booksId, workspaceId: ctx.workspaceId })).toEqual([id]);
      await takeUp(id);
      await until(id, "succeeded_with_errors");
    });
    await expectWhole(id);
  });

  test("fails as a whole when one stretch cannot go on", async () => {
    const id = await dividedRun(await publishedFlow(ctx, flow()));
    await withWorkers(3, async () => {
      await vi.waitUntil(async () => (await getRun(ctx, id)).run.counts.read > 300, { timeout: 60_000, interval: 5 });
      await books.query("ALTER TABLE invoices RENAME TO elsewhere");
      await until(id, "failed");
    });
    await books.query("ALTER TABLE elsewhere RENAME TO invoices");
    const { run, balanced } = await getRun(ctx, id);
    expect(balanced).toBe(true);
    expect(run.error?.message).toContain("invoices");
    const { rows } = await books.query("SELECT count(*)::int AS rows FROM invoices");
    expect(rows[0].rows).toBe(run.counts.created);
  });

  test("is undone like any other", async () => {
    const id = await dividedRun(await publishedFlow(ctx, flow()));
    await withWorkers(3, () => until(id, "succeeded_with_errors"));
    const undo = await undoRun(ctx, { runId: id, preview: false, onConflict: "skip" });
    await runToEnd(database, undo.id);
    const { run } = await getRun(ctx, undo.id);
    expect(run.undoCounts).toMatchObject({ restored: ROWS - BAD, conflict: 0, failed: 0 });
    const { rows } = await books.query("SELECT count(*)::int AS rows FROM invoices");
    expect(rows[0].rows).toBe(0);
  });
});

test("what cannot be divided is worked on as a whole", async () => {
  const { id } = await startRun(ctx, { flowId: await publishedFlow(ctx, flow({ order: "by-key" })), mode: "live" });
  await runToEnd(database, id);
  expect(await state(id)).toBe("succeeded_with_errors");
  const limited = await startRun(ctx, { flowId: await publishedFlow(ctx, flow()), mode: "live", limit: 1_500 });
  await runToEnd(database, limited.id);
  expect((await getRun(ctx, limited.id)).run.counts.read).toBe(1_500);
  const dry = await startRun(ctx, { flowId: await publishedFlow(ctx, flow()), mode: "dry" });
  await runToEnd(database, dry.id);
  expect((await getRun(ctx, dry.id)).run.counts.read).toBe(ROWS);
});

describe("the first load of an incremental read", { timeout: 120_000 }, () => {
  const incremental = () => {
    const document = flow();
    Object.assign(document.steps[0] as object, { sync: "incremental", watermark: "updated_at" });
    return document;
  };
  const position = async (flowId: string) =>
    (await database.pool.query("SELECT watermark FROM flow_position WHERE flow_id = $1", [flowId])).rows[0]?.watermark;
  const counts = async (id: string) => (await getRun(ctx, id)).run.counts;

  test("is divided; what changes meanwhile is read by the next run, also where it was committed late", async () => {
    await shop.query("UPDATE orders SET updated_at = NULL WHERE id = 7");
    const flowId = await publishedFlow(ctx, incremental());
    const open = await shop.connect();
    await open.query("BEGIN");
    await open.query("UPDATE orders SET total = -1, updated_at = now() WHERE id = 1999"); // older than the newest, once it shows
    await shop.query("UPDATE orders SET updated_at = clock_timestamp() WHERE id = 11");
    const id = await dividedRun(flowId);
    expect(await stretches(id)).toHaveLength(8);
    await shop.query("UPDATE orders SET total = -2, updated_at = clock_timestamp() WHERE id = 4");
    await withWorkers(2, async () => {
      await vi.waitUntil(async () => (await stretches(id)).some((one) => one.state === "done"), { timeout: 60_000 });
      expect(await position(flowId)).toBeUndefined();
      await until(id, "succeeded_with_errors");
    });
    await expectWhole(id);
    const newest = await shop.query("SELECT updated_at::text AS at FROM orders WHERE id = 11");
    const stored = await position(flowId);
    expect(new Date(stored.at).getTime()).toBe(new Date(newest.rows[0].at).getTime());
    await open.query("COMMIT");
    open.release();

    const next = await startRun(ctx, { flowId, mode: "live" });
    await runToEnd(database, next.id);
    const { read, created, updated, unchanged } = await counts(next.id);
    expect({ created, updated, changed: read - unchanged }).toEqual({ created: 0, updated: 1, changed: 1 });
    expect(read).toBeLessThan(10);
    const now = await books.query("SELECT number, net FROM invoices WHERE net < 0 ORDER BY number");
    expect(now.rows).toEqual([
      { number: "1999", net: "-1.00" },
      { number: "4", net: "-2.00" },
    ]);
    const last = await startRun(ctx, { flowId, mode: "live" });
    await runToEnd(database, last.id);
    expect((await counts(last.id)).updated).toBe(0);
    await shop.query("UPDATE orders SET total = id, updated_at = now() WHERE total < 0 OR updated_at IS NULL");
  });

  test("leaves no watermark when it does not come to its end, and begins again", async () => {
    const flowId = await publishedFlow(ctx, incremental());
    const id = await dividedRun(flowId);
    await withWorkers(2, async () => {
      await vi.waitUntil(async () => (await stretches(id)).some((one) => one.state === "done"), { timeout: 60_000 });
      await cancelRun(ctx, id);
      await until(id, "cancelled", "succeeded_with_errors");
    });
    expect(await state(id)).toBe("cancelled");
    expect(await position(flowId)).toBeUndefined();
    const again = await dividedRun(flowId);
    expect(await stretches(again)).toHaveLength(8);
    await withWorkers(2, () => until(again, "succeeded_with_errors"));
    expect(await position(flowId)).toMatchObject({ ties: expect.any(Number) });
    expect((await counts(again)).read).toBe(ROWS);
  });
});
