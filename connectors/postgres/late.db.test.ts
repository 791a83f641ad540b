import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { ConnectorSession, Json } from "../sdk/types.ts";
import { createTestDatabase, type TestDatabase } from "../testing/postgres-database.ts";
import { postgres } from "./connector.ts";

/** Transactions that commit only after a read has passed their rows' watermark. */
let db: TestDatabase;
let session: ConnectorSession;
let shop: pg.Client;
let slow: pg.Client;

beforeAll(async () => {
  db = await createTestDatabase("late");
  const { host, port, database, user, password } = db;
  session = await postgres.open({
    name: "Shop",
    settings: postgres.settings.parse({ host, port, database, schema: "public", ssl: "disable" }),
    credentials: postgres.credentials.parse({ user, password }),
    allowPrivateNetwork: true,
  });
  shop = new pg.Client({ connectionString: db.url });
  slow = new pg.Client({ connectionString: db.url });
  await shop.connect();
  await slow.connect();
});
afterAll(async () => {
  await session.close();
  await shop.end();
  await slow.end();
  await db.drop();
});
beforeEach(async () => {
  await shop.query("DROP TABLE IF EXISTS orders");
  await shop.query("CREATE TABLE orders (id int PRIMARY KEY, updated_at timestamptz NOT NULL DEFAULT now())");
  await shop.query("CREATE INDEX ON orders (updated_at)");
});

let after: Json = null;
/** One incremental run; gives the ids it read. */
async function run(pageSize = 100): Promise<number[]> {
  const ids: number[] = [];
  const request = { stream: "orders", cursor: null, pageSize, signal: new AbortController().signal };
  for await (const page of session.read({ ...request, watermark: { field: "updated_at", after } })) {
    ids.push(...page.records.map(({ id }) => Number(id)));
    after = page.watermark ?? after;
  }
  return ids;
}
beforeEach(() => {
  after = null;
});
const add = (client: pg.Client, ...ids: number[]) =>
  client.query("INSERT INTO orders (id) SELECT unnest($1::int[])", [ids]);

/** A transaction of somebody else, on any database of the server, that is open all the time. */
async function besideAnother(work: () => Promise<void>): Promise<void> {
  const other = new pg.Client({ connectionString: db.url });
  await other.connect();
  try {
    await other.query("BEGIN");
    await other.query("SELECT txid_current()");
    await work();
  } finally {
    await other.query("ROLLBACK");
    await other.end();
  }
}

it("reads rows that were committed after a read had passed their watermark, once", async () => {
  await slow.query("BEGIN");
  await add(slow, 1); // its updated_at is the start of this transaction
  await add(shop, 2);
  await add(shop, 3);
  expect(await run()).toEqual([2, 3]);
  expect(await run()).toEqual([]);
  await slow.query("COMMIT");
  expect(await run()).toEqual([1]);
  expect(await run()).toEqual([]);
  await add(shop, 4);
  expect(await run()).toEqual([4]);
});

it("also those of a subtransaction, and nothing that was read already is read again", async () => {
  await add(shop, 10);
  await slow.query("BEGIN");
  await slow.query("SAVEPOINT part");
  await add(slow, 1);
  await slow.query("RELEASE part");
  for (let id = 11; id < 20; id++) await add(shop, id);
  expect(await run(4)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  for (let id = 20; id < 25; id++) await add(shop, id);
  expect(await run(4)).toEqual([20, 21, 22, 23, 24]);
  await slow.query("COMMIT");
  await add(shop, 25);
  expect(await run(4)).toEqual([1, 25]);
  expect(await run(4)).toEqual([]);
});

it("a late row is not read again because some other transaction has been open all the time", async () => {
  await besideAnother(async () => {
    await slow.query("BEGIN");
    await add(slow, 1, 2, 3);
    await add(shop, 10);
    expect(await run(2)).toEqual([10]);
    await slow.query("COMMIT");
    await add(shop, 11);
    expect(await run(2)).toEqual([1, 2, 3, 11]);
    expect(await run(2)).toEqual([]);
    await add(shop, 12);
    expect(await run(2)).toEqual([12]);
  });
});

it("a run that ends among the late rows leaves the rest of them to the next one", async () => {
  await slow.query("BEGIN");
  await add(slow, 1, 2, 3, 4, 5);
  await add(shop, 10);
  expect(await run()).toEqual([10]);
  await slow.query("COMMIT");
  await add(shop, 11);
  const request = { stream: "orders", cursor: null, pageSize: 2, signal: new AbortController().signal };
  const first: number[] = [];
  for await (const page of session.read({ ...request, watermark: { field: "updated_at", after } })) {
    first.push(...page.records.map(({ id }) => Number(id)));
    after = page.watermark ?? after;
    break;
  }
  expect(first).toEqual([1, 2]);
  expect(await run(2)).toEqual([3, 4, 5, 11]);
  expect(await run(2)).toEqual([]);
});

it("a late row that was changed since is read with its change, once", async () => {
  await slow.query("BEGIN");
  await add(slow, 1);
  await add(shop, 2);
  expect(await run()).toEqual([2]);
  await slow.query("COMMIT");
  await shop.query("UPDATE orders SET updated_at = now() WHERE id = 1");
  expect(await run()).toEqual([1]);
  expect(await run()).toEqual([]);
});

it("resumes in the middle without losing or repeating a late row", async () => {
  await slow.query("BEGIN");
  await add(slow, 1, 2, 3, 4, 5);
  await add(shop, 10);
  expect(await run()).toEqual([10]);
  await slow.query("COMMIT");
  for (let id = 11; id < 16; id++) await add(shop, id);
  const start = after;
  for (let stopAfter = 1; stopAfter <= 5; stopAfter++) {
    const ids: number[] = [];
    let cursor: Json = null;
    for (;;) {
      let pages = 0;
      let ended = true;
      const request = { stream: "orders", pageSize: 2, signal: new AbortController().signal };
      const watermark = { field: "updated_at", after: start };
      for await (const page of session.read({ ...request, cursor, watermark })) {
        ids.push(...page.records.map(({ id }) => Number(id)));
        cursor = page.cursor;
        if (++pages === stopAfter) {
          ended = false;
          break;
        }
      }
      if (ended) break;
    }
    expect(ids).toEqual([1, 2, 3, 4, 5, 11, 12, 13, 14, 15]);
  }
});

it("by a counting key: a number drawn early and committed late is read", async () => {
  await shop.query("CREATE SEQUENCE IF NOT EXISTS numbers");
  await slow.query("BEGIN");
  await add(slow, 101);
  await add(shop, 102);
  const request = { stream: "orders", cursor: null, pageSize: 10, signal: new AbortController().signal };
  const read = async (from: Json) => {
    const ids: Json[] = [];
    let mark = from;
    for await (const page of session.read({ ...request, watermark: { field: "id", after: from } })) {
      ids.push(...page.records.map(({ id }) => id ?? null));
      mark = page.watermark ?? mark;
    }
    return { ids, mark };
  };
  const first = await read(null);
  expect(first.ids).toEqual([102]);
  await slow.query("COMMIT");
  const second = await read(first.mark);
  expect(second.ids).toEqual([101]);
  expect((await read(second.mark)).ids).toEqual([]);
});

/** As a first load does that is read in ranges of the key: the mark is taken, and all rows are read some other way. */
const mark = async () =>
  await session.mark?.({ stream: "orders", field: "updated_at", signal: new AbortController().signal });

it("a mark taken without reading leaves nothing out that changes from then on, or is committed later; nothing else is read", () =>
  besideAnother(async () => {
    expect(await mark()).toBeNull();
    await slow.query("BEGIN");
    await add(slow, 1);
    await add(shop, 2);
    await shop.query("INSERT INTO orders VALUES (3, '2020-01-01'), (4, now() - interval '5 minutes')");
    after = (await mark()) ?? null;
    await slow.query("COMMIT");
    await add(shop, 5);
    expect(await run()).toEqual([1, 5]);
    expect(await run()).toEqual([]);
  }));

it("a mark knows how many rows have the newest watermark, so that another one is not passed over", async () => {
  await shop.query("INSERT INTO orders VALUES (1, '2026-11-01'), (2, '2026-11-01')");
  after = (await mark()) ?? null;
  expect(after).toMatchObject({ ties: 2 });
  expect(await run()).toEqual([]);
  after = (await mark()) ?? null;
  await shop.query("INSERT INTO orders VALUES (3, '2026-11-01')");
  expect(await run()).toContain(3);
});
