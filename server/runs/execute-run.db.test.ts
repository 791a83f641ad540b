import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase as RemoteDatabase } from "../../connectors/testing/postgres-database.ts";
import { closeSessions } from "../connections/session-pool.ts";
import type { ServerContext } from "../context.ts";
import { replayLetters } from "../dead-letters/replay-letters.ts";
import { Cable } from "../testing/cable.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { connectDatabase, publishedFlow, runFlow, runToEnd, TEST_BRIEF } from "../testing/flows.ts";
import { requireKnownWorkspaces } from "../testing/known-workspaces.ts";
import { listChanges } from "./list-changes.ts";
import { isBalanced, RUN_COLUMNS, RUN_FROM, toRunSummary } from "./run-row.ts";
import { startRun } from "./start-run.ts";
import { undoRun } from "./undo-run.ts";

let database: TestDatabase;
let shopDb: RemoteDatabase;
let booksDb: RemoteDatabase;
let shop: pg.Pool;
let books: pg.Pool;
let ctx: ServerContext;

beforeAll(async () => {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 7).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  database = await testDatabase();
  await requireKnownWorkspaces(database.pool);
  shopDb = await createTestDatabase("run_shop");
  booksDb = await createTestDatabase("run_books");
  shop = new pg.Pool({ connectionString: shopDb.url });
  books = new pg.Pool({ connectionString: booksDb.url });
  for (const pool of [shop, books]) pool.on("error", () => {});
});

afterEach(closeSessions); // each test has connections of its own

afterAll(async () => {
  await shop.end();
  await books.end();
  await database.drop();
  await shopDb.drop();
  await booksDb.drop();
});

beforeEach(async () => {
  ctx = await testContext(database);
  await shop.query(`DROP TABLE IF EXISTS orders; CREATE TABLE orders (id int PRIMARY KEY, order_no text NOT NULL, email text, total text,
    currency text, updated_at timestamptz NOT NULL DEFAULT now())`);
  await books.query(`DROP TABLE IF EXISTS invoices; CREATE TABLE invoices (number varchar(12) PRIMARY KEY, email text, net numeric(12,2) NOT NULL,
    currency char(3) NOT NULL CHECK (currency IN ('EUR', 'USD')), note text)`);
  await connectDatabase(ctx, "Shop", shopDb.url);
  await connectDatabase(ctx, "Books", booksDb.url);
});

const flow = (changes: { [name: string]: unknown } = {}, read: { [name: string]: unknown } = {}) => ({
  format: "plumbline/1",
  name: "Shop orders to books",
  brief: TEST_BRIEF,
  steps: [
    { id: "orders", kind: "read", connection: "Shop", stream: "orders", sync: "full", ...read },
    { id: "check", kind: "check", rules: [{ field: "email", is: "email" }], otherwise: "dead" },
    {
      id: "invoice",
      kind: "map",
      fields: [
        { to: "number", from: "order_no" },
        { to: "email", from: "email", apply: ["trim", "lower"] },
        { to: "net", formula: 'NUMBER(total, ".")' },
        { to: "currency", from: "currency" },
      ],
    },
    { id: "books", kind: "write", connection: "Books", sink: "invoices", operation: "upsert", match: ["number"] },
  ],
  links: [
    { from: "orders", to: "check" },
    { from: "check", to: "invoice" },
    { from: "invoice", to: "books" },
  ],
  settings: { pageSize: 100, ...changes },
});

/** 250 orders: each 10th without e-mail, each 25th with a comma, order 33 in an unknown currency. */
async function seed(count = 250): Promise<void> {
  await shop.query(
    `INSERT INTO orders SELECT i, 'SO-' || i, CASE WHEN i % 10 = 0 THEN NULL ELSE 'A' || i || '@Example.com' END,
       CASE WHEN i % 25 = 0 THEN i || ',50' ELSE i || '.50' END, CASE WHEN i = 33 THEN 'XXX' ELSE 'EUR' END,
       timestamptz '2026-11-01' + i * interval '1 minute' FROM generate_series(1, $1::int) i`,
    [count],
  );
}

async function getRun(_context: ServerContext, runId: string) {
  const { rows } = await database.pool.query(`SELECT ${RUN_COLUMNS} FROM ${RUN_FROM} WHERE r.id = $1`, [runId]);
  const run = toRunSummary(rows[0]);
  const steps = await database.pool.query("SELECT * FROM run_step WHERE run_id = $1", [runId]);
  return { ...run, steps: steps.rows, balanced: isBalanced(run) };
}

const invoices = async () =>
  (await books.query("SELECT number, email, net, currency, note FROM invoices ORDER BY length(number), number")).rows;
const letters = async (runId: string) =>
  (
    await database.pool.query(
      "SELECT id, step_id AS step, field, key, state, reason, attempts FROM dead_letter WHERE run_id = $1 ORDER BY key",
      [runId],
    )
  ).rows;

describe("a run", () => {
  test("accounts for every record, and the target holds what the counters say", async () => {
    await seed();
    const id = await runFlow(database, ctx, await publishedFlow(ctx, flow()));
    const run = await getRun(ctx, id);
    expect(run.error).toBeNull();
    expect(run.state).toBe("succeeded_with_errors");
    // 25 without e-mail; of the 10 with a comma, 5 are among them; one unknown currency
    expect(run.counts).toMatchObject({ read: 250, created: 250 - 25 - 5 - 1, dead: 31, updated: 0, unchanged: 0 });
    expect(run.balanced).toBe(true);
    expect(await invoices()).toHaveLength(219);
    for (const step of run.steps) {
      const { in: entered, out, ports: _ports, step_id: _id, run_id: _run, workspace_id: _workspace, ...ended } = step;
      expect(Number(entered)).toBe(
        Object.values(ended).reduce((sum: number, count) => sum + Number(count), Number(out)),
      );
    }
    const found = await letters(id);
    expect(found).toHaveLength(31);
    expect(found.find(({ key }) => key === "SO-33")).toMatchObject({
      step: "books",
      state: "open",
      reason: expect.stringContaining("XXX"),
    });
  });

  test("a second run writes only what changed, and leaves the rest alone", async () => {
    await seed();
    const flowId = await publishedFlow(ctx, flow());
    await runFlow(database, ctx, flowId);
    await shop.query("UPDATE orders SET total = '999.00' WHERE id IN (1, 2)");
    const second = await getRun(ctx, await runFlow(database, ctx, flowId));
    expect(second.counts).toMatchObject({ read: 250, created: 0, updated: 2, unchanged: 217, dead: 31 });
  });

  test("an incremental run reads on from the watermark", async () => {
    await seed(50);
    const flowId = await publishedFlow(ctx, flow({}, { sync: "incremental", watermark: "updated_at" }));
    await runFlow(database, ctx, flowId);
    await shop.query("INSERT INTO orders VALUES (900, 'SO-900', 'x@example.com', '1.00', 'EUR', '2026-11-20')");
    const second = await getRun(ctx, await runFlow(database, ctx, flowId));
    expect(second.counts).toMatchObject({ read: 1, created: 1 });
  });

  test("goes on from its checkpoint when its time slice is over", async () => {
    await seed();
    const id = await runFlow(database, ctx, await publishedFlow(ctx, flow({ pageSize: 20 })));
    const other = await publishedFlow(ctx, { ...flow({ pageSize: 10 }), name: "Slices" });
    await books.query("DELETE FROM invoices");
    const { startRun } = await import("./start-run.ts");
    const sliced = await startRun(ctx, { flowId: other, mode: "live" });
    await runToEnd(database, sliced.id, 0);
    const run = await getRun(ctx, sliced.id);
    expect(run.counts).toEqual((await getRun(ctx, id)).counts);
    const { rows } = await database.pool.query("SELECT attempt FROM run WHERE id = $1", [sliced.id]);
    expect(rows[0].attempt).toBeGreaterThan(4);
  });

  test("writes one key that comes twice in order, and counts both", async () => {
    await shop.query(
      "INSERT INTO orders VALUES (1, 'SO-1', 'a@example.com', '1.00', 'EUR'), (2, 'SO-1', 'a@example.com', '2.00', 'EUR')",
    );
    const run = await getRun(ctx, await runFlow(database, ctx, await publishedFlow(ctx, flow())));
    expect(run.counts).toMatchObject({ read: 2, created: 1, updated: 1 });
    expect(await invoices()).toMatchObject([{ number: "SO-1", net: "2.00" }]);
  });
});

describe("a dry run", () => {
  test("counts as the live run will, shows each change, and writes nothing", async () => {
    await seed();
    await shop.query("INSERT INTO orders VALUES (901, 'SO-1', 'a1@example.com', '7.00', 'EUR')");
    await books.query(
      "INSERT INTO invoices VALUES ('SO-2', 'old@example.com', 2.50, 'EUR'), ('SO-3', 'a3@example.com', 3.50, 'EUR')",
    );
    const flowId = await publishedFlow(ctx, flow());
    const dry = await getRun(ctx, await runFlow(database, ctx, flowId, { mode: "dry" }));
    expect(await invoices()).toHaveLength(2);
    expect(dry.error).toBeNull();
    const live = await getRun(ctx, await runFlow(database, ctx, flowId));
    expect(dry.counts).toEqual(live.counts);
    expect(dry.counts).toMatchObject({ created: 217, updated: 2, unchanged: 1, dead: 31 });
    const { rows } = await database.pool.query(
      "SELECT before, after FROM change WHERE run_id = $1 AND record_key = 'SO-2' AND state = 'foreseen'",
      [dry.id],
    );
    expect(rows).toEqual([{ before: { email: "old@example.com" }, after: { email: "a2@example.com" } }]);
    const open = await database.pool.query(
      "SELECT count(*)::int AS n FROM dead_letter WHERE run_id = $1 AND state = 'open'",
      [dry.id],
    );
    expect(open.rows[0].n).toBe(0);
  });

  test("goes by what the target looks like now, not by what it was a moment ago", async () => {
    await seed();
    const flowId = await publishedFlow(ctx, flow());
    const dryRun = async () => (await getRun(ctx, await runFlow(database, ctx, flowId, { mode: "dry" }))).counts;
    const before = await dryRun();
    expect(before.created).toBeGreaterThan(0);
    await books.query("ALTER TABLE invoices ADD CHECK (net < 0)");
    expect(await dryRun()).toMatchObject({ created: 0, dead: before.dead + before.created });
  });
});

describe("a dry run whose system is away", () => {
  let cable: Cable;
  beforeEach(async () => {
    cable = new Cable(shopDb.url);
    await cable.mend();
    await connectDatabase(ctx, "Far shop", cable.url(shopDb.url));
    await shop.query(
      "INSERT INTO orders SELECT i, 'SO-' || i, 'a' || i || '@example.com', i || '.00', 'EUR' FROM generate_series(1, 3000) i",
    );
  });
  afterEach(() => cable.cut());
  const far = async () => await publishedFlow(ctx, flow({ pageSize: 20 }, { connection: "Far shop" }));

  test("sits out a short break at its start and in the middle of a page, and foresees every record once", async () => {
    const { id } = await startRun(ctx, { flowId: await far(), mode: "dry" });
    cable.cut();
    setTimeout(() => void cable.mend(), 600);
    const ended = runToEnd(database, id);
    await vi.waitUntil(async () => (await getRun(ctx, id)).counts.read > 100, { timeout: 30_000, interval: 5 });
    cable.cut();
    expect((await getRun(ctx, id)).state).toBe("running");
    setTimeout(() => void cable.mend(), 600);
    await ended;
    const run = await getRun(ctx, id);
    expect({ state: run.state, error: run.error }).toEqual({ state: "succeeded", error: null });
    expect(run.counts).toMatchObject({ read: 3_000, created: 3_000 });
    expect((await listChanges(ctx, { runId: id, limit: 1 })).items).toHaveLength(1);
    const { rows } = await database.pool.query(
      "SELECT count(*)::int AS n, count(DISTINCT record_key)::int AS keys FROM change WHERE run_id = $1",
      [id],
    );
    expect(rows).toEqual([{ n: 3_000, keys: 3_000 }]);
  });

  test("fails when it stays away, and does not promise to go on by itself", async () => {
    const flowId = await far();
    cable.cut();
    const run = await getRun(ctx, await runFlow(database, ctx, flowId, { mode: "dry" }));
    expect(run).toMatchObject({ state: "failed", waiting: null, error: { code: "connection-refused" } });
    expect(run.error?.message).toMatch(
      /^“Far shop”: Nothing accepts connections at .* Nothing was written\. Try again in a moment, or when “Far shop” works again\.$/,
    );
  });
});

describe("undo", () => {
  test("puts the target back, and shows a row changed by hand in between as a conflict", async () => {
    await seed();
    await books.query(
      "INSERT INTO invoices VALUES ('SO-2', 'old@example.com', 2.50, 'EUR', 'keep'), ('SO-9999', 'x@example.com', 1, 'EUR', NULL)",
    );
    const before = await invoices();
    const flowId = await publishedFlow(ctx, flow());
    const id = await runFlow(database, ctx, flowId);
    await books.query("UPDATE invoices SET net = 77 WHERE number = 'SO-5'");

    const preview = await undoRun(ctx, { runId: id, preview: true, onConflict: "skip" });
    await runToEnd(database, preview.id);
    expect((await getRun(ctx, preview.id)).undoCounts).toMatchObject({
      read: 219,
      restored: 218,
      conflict: 1,
      failed: 0,
    });
    expect(await invoices()).toHaveLength(220);

    const undo = await undoRun(ctx, { runId: id, preview: false, onConflict: "skip" });
    await runToEnd(database, undo.id);
    expect(await getRun(ctx, undo.id)).toMatchObject({
      state: "succeeded_with_errors",
      undoCounts: { read: 219, restored: 218, conflict: 1 },
    });
    const left = await listChanges(ctx, { runId: undo.id, refused: true, limit: 50 });
    expect(left.items.map(({ key, undo: state, before: now }) => [key, state, now?.net])).toEqual([
      ["SO-5", "conflict", "77.00"],
    ]);
    const rest = await listChanges(ctx, { runId: undo.id, refused: false, limit: 1000 });
    expect(rest.items.map(({ key }) => key)).not.toContain("SO-5");
    expect(rest.items).toHaveLength(218);
    expect(await invoices()).toEqual([
      before[0],
      { number: "SO-5", email: "a5@example.com", net: "77.00", currency: "EUR", note: null },
      before[1],
    ]);

    const force = await undoRun(ctx, { runId: id, preview: false, onConflict: "force" });
    await runToEnd(database, force.id);
    expect((await getRun(ctx, force.id)).undoCounts).toMatchObject({ read: 1, restored: 1, conflict: 0 });
    expect(await invoices()).toEqual(before);
  });

  test("is foreseen as it will go, for records the run changed twice too", async () => {
    await seed();
    await shop.query("UPDATE orders SET order_no = 'SO-1', email = id || '@example.com' WHERE id IN (5, 6, 7)");
    const flowId = await publishedFlow(ctx, flow());
    const id = await runFlow(database, ctx, flowId);
    await books.query("UPDATE invoices SET net = 77 WHERE number = 'SO-8'");
    const counts: unknown[] = [];
    for (const preview of [true, false]) {
      const undo = await undoRun(ctx, { runId: id, preview, onConflict: "skip" });
      await runToEnd(database, undo.id);
      counts.push((await getRun(ctx, undo.id)).undoCounts);
    }
    expect(counts[0]).toMatchObject({ conflict: 1, failed: 0 });
    expect(counts[0]).toEqual(counts[1]);
  });

  test("of chosen records leaves the others", async () => {
    await seed(9);
    const id = await runFlow(database, ctx, await publishedFlow(ctx, flow()));
    const undo = await undoRun(ctx, { runId: id, preview: false, records: ["SO-3", "SO-4"], onConflict: "skip" });
    await runToEnd(database, undo.id);
    expect((await getRun(ctx, undo.id)).error).toBeNull();
    expect((await invoices()).map(({ number }) => number)).toEqual([
      "SO-1",
      "SO-2",
      "SO-5",
      "SO-6",
      "SO-7",
      "SO-8",
      "SO-9",
    ]);
  });

  test("can itself be undone", async () => {
    await seed(9);
    const id = await runFlow(database, ctx, await publishedFlow(ctx, flow()));
    const after = await invoices();
    const undo = await undoRun(ctx, { runId: id, preview: false, onConflict: "skip" });
    await runToEnd(database, undo.id);
    expect(await invoices()).toEqual([]);
    const redo = await undoRun(ctx, { runId: undo.id, preview: false, onConflict: "skip" });
    await runToEnd(database, redo.id);
    expect(await invoices()).toEqual(after);
  });
});

describe("a replay", () => {
  test("goes on from the failed step with the correction laid over the record", async () => {
    await seed(20);
    const flowId = await publishedFlow(ctx, flow());
    const id = await runFlow(database, ctx, flowId);
    const [first, second] = await letters(id);
    expect(first).toMatchObject({ key: "SO-10", step: "check", field: "email" });
    const replay = await replayLetters(ctx, {
      ids: [first.id],
      patch: { email: "new@example.com" },
      from: "step",
      version: "live",
    });
    await runToEnd(database, replay.id);
    expect(await getRun(ctx, replay.id)).toMatchObject({
      kind: "replay",
      state: "succeeded",
      counts: { read: 1, created: 1 },
    });
    expect((await invoices()).find(({ number }) => number === "SO-10")).toMatchObject({ email: "new@example.com" });
    expect((await letters(id)).map(({ state }) => state)).toEqual(["resolved", "open"]);

    const again = await replayLetters(ctx, {
      ids: [second.id],
      patch: { email: "not an address" },
      from: "step",
      version: "live",
    });
    await runToEnd(database, again.id);
    expect((await letters(id))[1]).toMatchObject({
      id: second.id,
      state: "open",
      attempts: 2,
      reason: expect.stringContaining("not an address"),
    });
  });

  test("is undone through its own run", async () => {
    await seed(10);
    const flowId = await publishedFlow(ctx, flow());
    const id = await runFlow(database, ctx, flowId);
    const [letter] = await letters(id);
    const replay = await replayLetters(ctx, {
      ids: [letter.id],
      patch: { email: "n@example.com" },
      from: "start",
      version: "original",
    });
    await runToEnd(database, replay.id);
    expect(await invoices()).toHaveLength(10);
    const undo = await undoRun(ctx, { runId: replay.id, preview: false, onConflict: "skip" });
    await runToEnd(database, undo.id);
    expect(await invoices()).toHaveLength(9);
  });
});

describe("a run that cannot go on", () => {
  test("waits for a target that is down, and goes on where it stopped", async () => {
    await seed();
    const flowId = await publishedFlow(ctx, flow());
    await runFlow(database, ctx, flowId, { limit: 1 });
    await closeSessions();
    await books.query(`ALTER DATABASE ${booksDb.database} WITH ALLOW_CONNECTIONS false`).catch(() => {});
    const admin = new pg.Client({ connectionString: shopDb.url });
    await admin.connect();
    await admin.query(`ALTER DATABASE ${booksDb.database} WITH ALLOW_CONNECTIONS false`);
    await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [booksDb.database]);
    const id = await runFlow(database, ctx, flowId);
    const waiting = await getRun(ctx, id);
    await admin.query(`ALTER DATABASE ${booksDb.database} WITH ALLOW_CONNECTIONS true`);
    await admin.end();
    expect(waiting.state === "waiting" || waiting.state === "failed").toBe(true);
    expect(waiting.error?.message).toContain("Books");
  });

  test("stops at its limit of dead letters and goes on when the flow is resumed", async () => {
    await seed();
    const flowId = await publishedFlow(ctx, flow({ stopAt: { dead: 5 }, pageSize: 50 }));
    const id = await runFlow(database, ctx, flowId);
    const stopped = await getRun(ctx, id);
    expect(stopped).toMatchObject({ state: "waiting", error: { code: "stop-condition" }, counts: { read: 50 } });
    expect(stopped.waiting).toMatchObject({ flowStopped: true });
    const { resumeFlow } = await import("../flows/resume-flow.ts");
    await resumeFlow(ctx, flowId);
    await runToEnd(database, id);
    expect((await getRun(ctx, id)).counts.read).toBe(100);
  });

  test("fails with a reason when its table is gone", async () => {
    await seed(5);
    const flowId = await publishedFlow(ctx, flow());
    await books.query("DROP TABLE invoices");
    const run = await getRun(ctx, await runFlow(database, ctx, flowId));
    expect(run.state).toBe("failed");
    expect(run.error?.message).toMatch(/invoices/);
  });
});
