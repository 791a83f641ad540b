/** Step kinds that need more than one page or one system, run as a worker runs them on real PostgreSQL databases. */
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase as RemoteDatabase } from "../../connectors/testing/postgres-database.ts";
import { closeSessions } from "../connections/session-pool.ts";
import type { ServerContext } from "../context.ts";
import { replayLetters } from "../dead-letters/replay-letters.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { connectDatabase, publishedFlow, runFlow, runToEnd, TEST_BRIEF } from "../testing/flows.ts";
import { requireKnownWorkspaces } from "../testing/known-workspaces.ts";
import { getRun } from "./get-run.ts";
import { startRun } from "./start-run.ts";

let database: TestDatabase;
let remote: RemoteDatabase;
let shop: pg.Pool;
let ctx: ServerContext;

beforeAll(async () => {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 7).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  database = await testDatabase("steps");
  await requireKnownWorkspaces(database.pool);
  remote = await createTestDatabase("steps_shop");
  shop = new pg.Pool({ connectionString: remote.url });
  shop.on("error", () => {});
});

afterEach(closeSessions); // each test has connections of its own
afterAll(async () => {
  await shop.end();
  await database.drop();
  await remote.drop();
});

beforeEach(async () => {
  ctx = await testContext(database);
  // each query of the view counts itself
  await shop.query(`DROP TABLE IF EXISTS orders, customer, target CASCADE; DROP SEQUENCE IF EXISTS queries CASCADE;
    CREATE TABLE orders (id int PRIMARY KEY, customer_id int, lines jsonb);
    CREATE TABLE customer (id int PRIMARY KEY, name text);
    CREATE SEQUENCE queries;
    CREATE OR REPLACE FUNCTION counted() RETURNS SETOF customer LANGUAGE plpgsql AS
      $$ BEGIN PERFORM nextval('queries');
        IF EXISTS (SELECT FROM customer c WHERE c.name = 'outage') THEN RAISE EXCEPTION 'out of memory' USING ERRCODE = '53200'; END IF;
        RETURN QUERY SELECT * FROM customer; END $$;
    CREATE VIEW customers AS SELECT * FROM counted();
    CREATE TABLE target (key text PRIMARY KEY, name text, amount numeric(12, 2))`);
  await connectDatabase(ctx, "Shop", remote.url);
});

const write = { id: "out", kind: "write", connection: "Shop", sink: "target", operation: "upsert", match: ["key"] };

/** read orders → the steps, in a row → write into target */
function flowOf(steps: { id: string; [name: string]: unknown }[], settings: object = { pageSize: 100 }) {
  const all = [{ id: "orders", kind: "read", connection: "Shop", stream: "orders" }, ...steps, write];
  const links = all.slice(1).map(({ id }, index) => ({ from: all[index]!.id, to: id }));
  return { format: "plumbline/1", name: "Steps", brief: TEST_BRIEF, steps: all, links, settings };
}

async function ran(document: object, options: { mode?: "live" | "dry" } = {}) {
  const flowId = await publishedFlow(ctx, document);
  const id = await runFlow(database, ctx, flowId, options);
  const { run, steps, balanced } = await getRun(ctx, id);
  return { id, flowId, run, steps: Object.fromEntries(steps.map((step) => [step.id, step])), balanced };
}

const target = async () => (await shop.query("SELECT key, name, amount FROM target ORDER BY key")).rows;

describe("lookup", () => {
  const steps = [
    {
      id: "customer",
      kind: "lookup",
      connection: "Shop",
      stream: "customers",
      match: { id: "customer_id" },
      take: [{ to: "name", from: "name" }],
    },
    {
      id: "row",
      kind: "map",
      fields: [
        { to: "key", formula: "TEXT(id)" },
        { to: "name", from: "name" },
      ],
    },
  ];

  test("enriches page by page with one query each, and none for keys it knows", async () => {
    await shop.query(`INSERT INTO orders SELECT i, CASE WHEN i % 50 = 0 THEN 999 ELSE i % 20 END FROM generate_series(1, 450) i;
      INSERT INTO customer SELECT i, 'Customer ' || i FROM generate_series(0, 19) i`);
    const { run, balanced, steps: counted } = await ran(flowOf(steps));
    expect(run).toMatchObject({ state: "succeeded_with_errors", counts: { read: 450, created: 441, dead: 9 } });
    expect(balanced).toBe(true);
    expect(counted.customer).toMatchObject({ in: 450, out: 441, dead: 9 });
    expect((await target())[0]).toMatchObject({ key: "1", name: "Customer 1" });
    // the first page asks for all 21 keys at once; the four pages after it need none
    expect(await queries()).toBe(1);
    const { rows } = await database.pool.query("SELECT reason FROM dead_letter WHERE run_id = $1 LIMIT 1", [run.id]);
    expect(rows[0].reason).toContain("“customers” in Shop has no record with id = 999");
  });

  test("works in a dry run, which writes nothing", async () => {
    await shop.query("INSERT INTO orders VALUES (1, 7); INSERT INTO customer VALUES (7, 'Ana')");
    const { run } = await ran(flowOf(steps), { mode: "dry" });
    expect(run).toMatchObject({ state: "succeeded", counts: { read: 1, created: 1 } });
    expect(await target()).toEqual([]);
  });

  test("a system that cannot answer now interrupts the page: the run waits and loses nothing", async () => {
    await shop.query(
      "INSERT INTO orders SELECT i, i FROM generate_series(1, 3) i; INSERT INTO customer SELECT i, 'C' || i FROM generate_series(1, 3) i; INSERT INTO customer VALUES (9, 'outage')",
    );
    const { run, id } = await ran(flowOf(steps));
    expect(run).toMatchObject({ state: "waiting", counts: { read: 0, dead: 0 }, error: { step: "customer" } });
    await shop.query("DELETE FROM customer WHERE id = 9");
    await database.pool.query("UPDATE run SET resume_at = now() - interval '1 second' WHERE id = $1", [id]);
    await runToEnd(database, id);
    expect((await getRun(ctx, id)).run).toMatchObject({ state: "succeeded", counts: { read: 3, created: 3, dead: 0 } });
  });

  const queries = async () => Number((await shop.query("SELECT nextval('queries') - 1 AS n")).rows[0].n);
});

describe("split", () => {
  const steps = [
    { id: "lines", kind: "split", field: "lines", number: "line" },
    {
      id: "row",
      kind: "map",
      fields: [
        { to: "key", formula: 'id & "-" & line' },
        { to: "name", from: "sku" },
        { to: "amount", formula: "NUMBER(amount)" },
      ],
    },
  ];

  test("a record counts once, by the least good of its parts; steps count the parts", async () => {
    await shop.query(`INSERT INTO orders VALUES
      (1, 0, '[{"sku": "A", "amount": 1}, {"sku": "B", "amount": 2}]'),
      (2, 0, '[{"sku": "C", "amount": 3}, {"sku": "D", "amount": "many"}, {"sku": "E", "amount": 5}]'),
      (3, 0, '[]'),
      (4, 0, '"none"')`);
    const { run, steps: counted, balanced, id } = await ran(flowOf(steps));
    expect(run).toMatchObject({
      state: "succeeded_with_errors",
      counts: { read: 4, created: 1, dead: 2, filtered: 1 },
    });
    expect(balanced).toBe(true);
    expect(counted.lines).toMatchObject({ in: 4, made: 3, out: 5, filtered: 1, dead: 1, joined: 0 });
    expect(counted.row).toMatchObject({ in: 5, out: 4, dead: 1 });
    expect(counted.out).toMatchObject({ in: 4, created: 4 });
    expect((await target()).map(({ key }) => key)).toEqual(["1-1", "1-2", "2-1", "2-3"]);
    const letters = await database.pool.query("SELECT step_id, key, data, source FROM dead_letter WHERE run_id = $1", [
      id,
    ]);
    expect(letters.rows.find(({ step_id }) => step_id === "row")).toMatchObject({
      key: "2",
      data: { id: 2, sku: "D", line: 2 },
      source: { id: 2, lines: [{ sku: "C" }, { sku: "D" }, { sku: "E" }] },
    });
  });
});

describe("collect over a run", () => {
  const collect = {
    id: "totals",
    kind: "collect",
    by: ["customer_id"],
    fields: [
      { to: "orders", take: "count" },
      { to: "amount", take: "sum", from: "id" },
      { to: "first", formula: "MIN(items.id)" },
    ],
    within: "run",
  };
  const row = {
    id: "row",
    kind: "map",
    fields: [
      { to: "key", formula: "TEXT(customer_id)" },
      { to: "name", formula: "orders & ' orders from ' & first".replaceAll("'", '"') },
      { to: "amount", from: "amount" },
    ],
  };
  const rows = (count: number, customers: number) =>
    shop.query("INSERT INTO orders SELECT i, i % $2::int FROM generate_series(1, $1::int) i", [count, customers]);
  const left = async () =>
    (
      await database.pool.query(
        "SELECT (SELECT count(*) FROM collect_item) + (SELECT count(*) FROM collect_waiting) AS n",
      )
    ).rows[0].n;

  test("groups reach over all pages and leave at the end; each record has its group's outcome", async () => {
    await rows(1_000, 250);
    const { run, steps, balanced } = await ran(flowOf([collect, row]));
    expect(run).toMatchObject({ state: "succeeded", counts: { read: 1_000, created: 1_000, held: 0 } });
    expect(balanced).toBe(true);
    expect(steps.totals).toMatchObject({ in: 1_000, out: 250, joined: 750, made: 0 });
    expect(steps.out).toMatchObject({ in: 250, created: 250 });
    expect((await target()).find(({ key }) => key === "7")).toEqual({
      key: "7",
      name: "4 orders from 7",
      amount: "1528.00",
    });
    expect(await left()).toBe("0");
  });

  test("a run of many slices gives the same, and writes every group once", async () => {
    await rows(1_000, 250);
    const flowId = await publishedFlow(ctx, flowOf([collect, row]));
    const { id } = await startRun(ctx, { flowId, mode: "live" });
    await runToEnd(database, id, 0); // gives its worker back after each page
    const { run, steps } = await getRun(ctx, id);
    expect(run).toMatchObject({ state: "succeeded", counts: { read: 1_000, created: 1_000, held: 0 } });
    expect(steps.find((step) => step.id === "totals")).toMatchObject({ in: 1_000, out: 250, joined: 750 });
    const { rows: attempts } = await database.pool.query("SELECT attempt FROM run WHERE id = $1", [id]);
    expect(attempts[0].attempt).toBeGreaterThan(5);
    expect((await target()).filter(({ name }) => name.startsWith("4 orders"))).toHaveLength(250);
  });

  test("a group the target refuses makes its records dead; one letter holds the group", async () => {
    await rows(40, 4);
    await shop.query("ALTER TABLE target ADD CHECK (key <> '3')");
    const { run, id } = await ran(flowOf([collect, row]));
    expect(run).toMatchObject({ state: "succeeded_with_errors", counts: { read: 40, created: 30, dead: 10 } });
    const letters = await database.pool.query("SELECT step_id, key, data FROM dead_letter WHERE run_id = $1", [id]);
    expect(letters.rows).toMatchObject([{ step_id: "out", data: { key: "3", name: "10 orders from 3" } }]);
    await shop.query("ALTER TABLE target DROP CONSTRAINT target_key_check");
    const { rows: open } = await database.pool.query("SELECT group_id FROM dead_letter WHERE run_id = $1", [id]);
    const replay = await replayLetters(ctx, { groupId: open[0].group_id, from: "start", version: "live" });
    await runToEnd(database, replay.id);
    expect((await getRun(ctx, replay.id)).run).toMatchObject({ state: "succeeded", counts: { read: 1, created: 1 } });
    expect(await target()).toContainEqual({ key: "3", name: "10 orders from 3", amount: "210.00" });
  });

  test("a group that cannot be computed makes a letter of each record", async () => {
    await rows(40, 4);
    await shop.query("UPDATE orders SET lines = CASE WHEN id = 7 THEN '\"x\"'::jsonb ELSE '2' END");
    const summed = { ...collect, fields: [{ to: "amount", take: "sum", from: "lines" }] };
    const map = { ...row, fields: row.fields.filter(({ to }) => to !== "name") };
    const { run, id, steps } = await ran(flowOf([summed, map]));
    expect(run).toMatchObject({ counts: { read: 40, created: 30, dead: 10, held: 0 } });
    expect(steps.totals).toMatchObject({ in: 40, out: 3, joined: 27, dead: 10 });
    const letters = await database.pool.query("SELECT step_id, key, field FROM dead_letter WHERE run_id = $1", [id]);
    expect(letters.rows).toEqual(Array(10).fill({ step_id: "totals", key: "3", field: "amount" }));
    expect(await left()).toBe("0");
  });

  test("a record in several groups, and groups of groups, are settled by the least good", async () => {
    await shop.query(`INSERT INTO orders VALUES
      (1, 0, '[{"sku": "A", "qty": 1}, {"sku": "B", "qty": 2}]'),
      (2, 0, '[{"sku": "B", "qty": 3}]'),
      (3, 0, '[{"sku": "A", "qty": 4}, {"sku": "C", "qty": 5}]')`);
    await shop.query("ALTER TABLE target ADD CHECK (key <> '1 sku')");
    const split = { id: "lines", kind: "split", field: "lines", keep: [] };
    const bySku = { id: "skus", kind: "collect", by: ["sku"], fields: [{ to: "n", take: "count" }], within: "run" };
    const byCount = {
      id: "counts",
      kind: "collect",
      by: ["n"],
      fields: [{ to: "amount", take: "count" }],
      within: "run",
    };
    const map = {
      id: "row",
      kind: "map",
      fields: [
        { to: "key", formula: 'n & " sku"' },
        { to: "amount", from: "amount" },
      ],
    };
    const { run, steps, balanced } = await ran(flowOf([split, bySku, byCount, map]));
    // A and B came twice, C once; the group “1 sku” is refused, and with it order 3
    expect(await target()).toMatchObject([{ key: "2 sku", amount: "2.00" }]);
    expect(run).toMatchObject({ counts: { read: 3, created: 2, dead: 1, held: 0 } });
    expect(balanced).toBe(true);
    expect(steps.skus).toMatchObject({ in: 5, out: 3, joined: 2 });
    expect(steps.counts).toMatchObject({ in: 3, out: 2, joined: 1 });
    expect(await left()).toBe("0");
  });

  test("a dry run foresees the groups and leaves nothing behind", async () => {
    await rows(50, 5);
    const { run } = await ran(flowOf([collect, row]), { mode: "dry" });
    expect(run).toMatchObject({ state: "succeeded", counts: { read: 50, created: 50, held: 0 } });
    expect(await target()).toEqual([]);
    expect(await left()).toBe("0");
  });
});
