/** Step kinds that need more than one page or one system, run as a worker runs them on real PostgreSQL databases. */
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase as RemoteDatabase } from "../../connectors/testing/postgres-database.ts";
import { closeSessions } from "../connections/session-pool.ts";
import type { ServerContext } from "../context.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { connectDatabase, publishedFlow, runFlow, TEST_BRIEF } from "../testing/flows.ts";
import { getRun } from "./get-run.ts";

let database: TestDatabase;
let remote: RemoteDatabase;
let shop: pg.Pool;
let ctx: ServerContext;

beforeAll(async () => {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 7).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  database = await testDatabase("steps");
  remote = await createTestDatabase("steps_shop");
  shop = new pg.Pool({ connectionString: remote.url });
  shop.on("error", () => {});
});

afterAll(async () => {
  await closeSessions();
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
      $$ BEGIN PERFORM nextval('queries'); RETURN QUERY SELECT * FROM customer; END $$;
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
