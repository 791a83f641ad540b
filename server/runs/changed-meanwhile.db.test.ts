import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { queryDatabase, type TestDatabase as RemoteDatabase } from "../../connectors/testing/postgres-database.ts";
import { closeSessions } from "../connections/session-pool.ts";
import type { ServerContext } from "../context.ts";
import type { TestDatabase } from "../testing/database.ts";
import { publishedFlow, TEST_BRIEF } from "../testing/flows.ts";
import { type ShopAndBooks, shopAndBooks } from "../testing/shop-and-books.ts";
import { executeRun } from "./execute-run.ts";
import { getRun } from "./get-run.ts";
import { recoverRuns } from "./recover-runs.ts";
import { startRun } from "./start-run.ts";

/** A source that changes between the attempt that died with its page in the target, and the one that goes on. */
let world: ShopAndBooks;
let database: TestDatabase;
let shop: RemoteDatabase;
let books: RemoteDatabase;
let ctx: ServerContext;

beforeAll(async () => {
  world = await shopAndBooks("meanwhile");
  ({ database, shop, books } = world);
  // our database goes away when something of a run is to be stored as done
  await database.pool.query(`CREATE FUNCTION falls() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'away' USING ERRCODE = '57P01'; END $$`);
});
afterEach(closeSessions); // each test has connections of its own
afterAll(() => world?.end());
beforeEach(async () => {
  ctx = await world.workspace();
  await queryDatabase(
    shop,
    `DROP TABLE IF EXISTS price; CREATE TABLE price (id int PRIMARY KEY, euro int, changed timestamptz DEFAULT clock_timestamp())`,
  );
  await queryDatabase(
    books,
    `DROP TABLE IF EXISTS price; CREATE TABLE price (id int PRIMARY KEY, euro int, changed timestamptz);
     DROP TABLE IF EXISTS log; CREATE TABLE log (id int, euro int, changed timestamptz)`,
  );
});

async function flow(read: object, write: object): Promise<string> {
  return await publishedFlow(ctx, {
    format: "plumbline/1",
    name: "Prices",
    brief: TEST_BRIEF,
    steps: [
      { id: "prices", kind: "read", connection: "Shop", stream: "price", ...read },
      { id: "books", kind: "write", connection: "Books", ...write },
    ],
    links: [{ from: "prices", to: "books" }],
    settings: { pageSize: 2 },
  });
}

const signal = new AbortController().signal;
const execute = (run: string) =>
  executeRun({ db: database.db, pool: database.pool, workerId: "worker_gone" }, { run, signal });

/** The first attempt writes a page, cannot store it, and is never heard of again. */
async function diesAfterItsPage(run: string): Promise<void> {
  await database.pool.query(
    "CREATE TRIGGER falls BEFORE UPDATE ON run FOR EACH ROW WHEN (NEW.read > OLD.read) EXECUTE FUNCTION falls()",
  );
  await expect(execute(run)).rejects.toThrow("away");
  await database.pool.query("DROP TRIGGER falls ON run");
}

async function goesOn(run: string) {
  await recoverRuns(database.pool);
  expect(await execute(run)).toMatchObject({ end: "finished", attempt: 2 });
  const done = await getRun(ctx, run);
  expect(done.balanced).toBe(true);
  return done.run;
}

describe("a source that changes while a run is taken up again", () => {
  it("by its watermark: what was written already and has changed since is written as it is now", async () => {
    const flowId = await flow(
      { sync: "incremental", watermark: "changed" },
      { sink: "price", operation: "upsert", match: ["id"] },
    );
    await queryDatabase(shop, "INSERT INTO price VALUES (1, 10), (2, 20)");
    const { id } = await startRun(ctx, { flowId, mode: "live" });
    await diesAfterItsPage(id);
    expect(await queryDatabase(books, "SELECT id, euro FROM price ORDER BY id")).toHaveLength(2);
    await queryDatabase(shop, "UPDATE price SET euro = 11, changed = clock_timestamp() WHERE id = 1");
    expect(await goesOn(id)).toMatchObject({ state: "succeeded", counts: { read: 2, created: 2, updated: 0 } });
    const rows = await queryDatabase(books, "SELECT id, euro FROM price ORDER BY id");
    expect(rows).toEqual([
      { id: 1, euro: 11 },
      { id: 2, euro: 20 },
    ]);
    const { rows: ledger } = await database.pool.query(
      "SELECT record_key, operation, after->>'euro' AS euro FROM change WHERE run_id = $1 AND state = 'done' ORDER BY id",
      [id],
    );
    expect(ledger).toMatchObject([
      { record_key: "1", operation: "create", euro: "10" },
      { record_key: "2", operation: "create", euro: "20" },
      { record_key: "1", operation: "update", euro: "11" },
    ]);
    const next = await startRun(ctx, { flowId, mode: "live" });
    await execute(next.id);
    expect((await getRun(ctx, next.id)).run).toMatchObject({ state: "succeeded", counts: { read: 0 } });
  });

  it("by its key: a row inserted between others shifts none of them into being written twice", async () => {
    const flowId = await flow({ sync: "full" }, { sink: "log", operation: "insert" });
    await queryDatabase(shop, "INSERT INTO price VALUES (10, 1), (20, 2), (30, 3)");
    const { id } = await startRun(ctx, { flowId, mode: "live" });
    await diesAfterItsPage(id);
    await queryDatabase(shop, "INSERT INTO price VALUES (15, 4)");
    // 20 was in the first page, and counts there; in the second it is known
    expect(await goesOn(id)).toMatchObject({ state: "succeeded", counts: { read: 5, created: 4, duplicate: 1 } });
    const rows = await queryDatabase<{ id: number }>(books, "SELECT id FROM log ORDER BY id");
    expect(rows.map((row) => row.id)).toEqual([10, 15, 20, 30]);
  });

  it("what was written and is gone from the source is counted all the same", async () => {
    const flowId = await flow({ sync: "full" }, { sink: "log", operation: "insert" });
    await queryDatabase(shop, "INSERT INTO price VALUES (10, 1), (20, 2)");
    const { id } = await startRun(ctx, { flowId, mode: "live" });
    await diesAfterItsPage(id);
    await queryDatabase(shop, "TRUNCATE price");
    expect(await goesOn(id)).toMatchObject({ state: "succeeded", counts: { read: 2, created: 2 } });
  });
});
