/** A flow that reads its records again keeps one dead letter for each that fails again, and settles those that do not. */
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase as RemoteDatabase } from "../../connectors/testing/postgres-database.ts";
import { closeSessions } from "../connections/session-pool.ts";
import type { ServerContext } from "../context.ts";
import { getLetter } from "../dead-letters/get-letter.ts";
import { listGroups } from "../dead-letters/list-groups.ts";
import { listLetters } from "../dead-letters/list-letters.ts";
import { replayLetters } from "../dead-letters/replay-letters.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { connectDatabase, publishedFlow, runFlow, runToEnd, TEST_BRIEF } from "../testing/flows.ts";
import { getRunDetail } from "./get-run.ts";

let database: TestDatabase;
let remote: RemoteDatabase;
let shop: pg.Pool;
let ctx: ServerContext;

beforeAll(async () => {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 7).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  database = await testDatabase("letters_again");
  remote = await createTestDatabase("again_shop");
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
  await shop.query(`DROP TABLE IF EXISTS orders, lines, invoices; CREATE TABLE orders (id int PRIMARY KEY, no text, net text, at timestamptz, parts jsonb);
    CREATE TABLE lines (no text, net text); CREATE TABLE invoices (no text PRIMARY KEY, net numeric(6,2) NOT NULL);
    INSERT INTO orders SELECT i, 'A' || i, i, '2026-01-01' FROM generate_series(1, 20) i;
    UPDATE orders SET net = 'ten' WHERE id <= 5`);
  await connectDatabase(ctx, "Shop", remote.url);
});

const flow = (read: object = {}, settings: object = {}) => ({
  format: "plumbline/1",
  name: "Orders to books",
  brief: TEST_BRIEF,
  steps: [
    { id: "orders", kind: "read", connection: "Shop", stream: "orders", sync: "full", ...read },
    { id: "check", kind: "check", rules: [{ field: "net", is: "number" }], otherwise: "dead" },
    {
      id: "map",
      kind: "map",
      fields: [
        { to: "no", from: "no" },
        { to: "net", formula: "NUMBER(net)" },
      ],
    },
    { id: "write", kind: "write", connection: "Shop", sink: "invoices", operation: "upsert", match: ["no"] },
  ],
  links: [
    { from: "orders", to: "check" },
    { from: "check", to: "map" },
    { from: "map", to: "write" },
  ],
  settings,
});

const run = async (flowId: string) => await getRunDetail(ctx, await runFlow(database, ctx, flowId));
const open = async (flowId: string) => (await listLetters(ctx, { flowId, state: "open", limit: 100 })).items;
const ofRun = async (runId: string) => (await listLetters(ctx, { runId, limit: 100 })).items;
const ids = (letters: { id: string }[]) => letters.map(({ id }) => id).sort();

describe("a bad record that is read again", () => {
  test("keeps its letter, which tells of the newest failure; each run lists what failed in it", async () => {
    const flowId = await publishedFlow(ctx, flow());
    const first = await run(flowId);
    const before = await open(flowId);
    expect(before).toHaveLength(5);
    expect(
      before.every(({ attempts, run: of, earlierRuns }) => attempts === 1 && of === first.id && earlierRuns === 0),
    ).toBe(true);
    await shop.query("UPDATE orders SET net = 'eleven' WHERE id = 1");
    const second = await run(flowId);
    const after = await open(flowId);
    expect(ids(after)).toEqual(ids(before));
    for (const letter of after) {
      const was = before.find(({ id }) => id === letter.id);
      expect(letter).toMatchObject({ attempts: 2, run: second.id, earlierRuns: 1, key: was?.key, firstSeen: was?.at });
      expect(Date.parse(letter.at)).toBeGreaterThan(Date.parse(letter.firstSeen));
    }
    expect(after.find(({ key }) => key === "A1")).toMatchObject({
      reason: expect.stringContaining("eleven"),
      data: { net: "eleven" },
    });
    expect(await listGroups(ctx, { flowId })).toMatchObject([
      { count: 5, firstSeen: before[0]?.at, lastSeen: after[0]?.at },
    ]);
    for (const { id } of [first, second]) {
      expect(ids(await ofRun(id))).toEqual(ids(before));
      expect(await getRunDetail(ctx, id)).toMatchObject({
        balanced: true,
        counts: { dead: 5 },
        letterGroups: [{ count: 5 }],
      });
    }
    const { history } = await getLetter(ctx, after[0]!.id);
    expect(history.filter(({ event }) => event === "failed").map(({ run: of }) => of)).toEqual([first.id, second.id]);
  });

  test("is settled by the run that has another outcome for it, and is not replayed over what is newer", async () => {
    const flowId = await publishedFlow(ctx, flow());
    await run(flowId);
    const before = await open(flowId);
    await shop.query(
      "UPDATE orders SET net = '7' WHERE id = 1; UPDATE orders SET net = '77777' WHERE id = 2; DELETE FROM orders WHERE id = 3",
    );
    const second = await run(flowId);
    const of = (key: string) => before.find((letter) => letter.key === key)!.id;
    const left = await open(flowId);
    // 2 fails further on now, which is another letter; 3 was not read: nobody knows what became of it
    expect(left.map(({ key, step }) => `${key} ${step}`).sort()).toEqual([
      "A2 write",
      "A3 check",
      "A4 check",
      "A5 check",
    ]);
    expect(left.find(({ key }) => key === "A3")).toMatchObject({ id: of("A3"), attempts: 1 });
    for (const key of ["A1", "A2"])
      expect(await getLetter(ctx, of(key))).toMatchObject({ state: "resolved", settledBy: second.id });
    await expect(replayLetters(ctx, { ids: [of("A1")], from: "step", version: "live" })).rejects.toMatchObject({
      code: "letters-not-open",
    });
    expect(await ofRun(second.id)).toHaveLength(3);
  });

  test("as several parts keeps a letter for each, and a letter somebody is replaying is left alone", async () => {
    const flowId = await publishedFlow(ctx, {
      ...flow(),
      steps: [...flow().steps.slice(0, 1), { id: "split", kind: "split", field: "parts" }, ...flow().steps.slice(1)],
      links: [{ from: "orders", to: "split" }, { from: "split", to: "check" }, ...flow().links.slice(1)],
    });
    await shop.query(`DELETE FROM orders WHERE id > 2;
      UPDATE orders SET parts = '[{"no":"x","net":"a"},{"no":"y","net":"b"},{"no":"z","net":"1"}]'`);
    await run(flowId);
    const before = await open(flowId);
    expect(before).toHaveLength(4);
    await database.pool.query("UPDATE dead_letter SET state = 'replaying' WHERE id = $1", [before[0]!.id]);
    await shop.query(
      `UPDATE orders SET parts = '[{"no":"x","net":"a"},{"no":"y","net":"1"},{"no":"z","net":"1"}]' WHERE id = 2`,
    );
    const second = await run(flowId);
    expect(second.counts).toMatchObject({ read: 2, dead: 2 });
    const now = await ofRun(second.id);
    expect(now).toHaveLength(3);
    expect((await getLetter(ctx, before[0]!.id)).state).toBe("replaying");
  });

  test("of a read by what changed is found by the key of its stream, not by the key it is matched by", async () => {
    await shop.query("UPDATE orders SET no = 'same' WHERE id <= 5");
    const flowId = await publishedFlow(ctx, flow({ sync: "incremental", watermark: "at" }));
    await run(flowId);
    const before = await open(flowId);
    expect(before).toHaveLength(5);
    await shop.query(
      "UPDATE orders SET at = '2026-01-02' WHERE id = 1; UPDATE orders SET at = '2026-01-02', net = '3' WHERE id = 2",
    );
    const second = await run(flowId);
    expect(second.counts).toMatchObject({ read: 2, updated: 0, created: 1, dead: 1 });
    const left = await open(flowId);
    expect(left.map(({ data, attempts }) => `${data.id} ${attempts}`).sort()).toEqual(["1 2", "3 1", "4 1", "5 1"]);
  });

  test("without a key is the same one only when it is the same in everything", async () => {
    await shop.query("INSERT INTO lines VALUES ('L1', 'a'), ('L2', 'b'), ('L3', 'c')");
    const flowId = await publishedFlow(ctx, flow({ stream: "lines" }));
    await run(flowId);
    const before = await open(flowId);
    await shop.query("UPDATE lines SET net = 'x' WHERE no = 'L1'; UPDATE lines SET net = '1' WHERE no = 'L2'");
    await run(flowId);
    const left = await open(flowId);
    const keys = left.map(({ key, attempts }) => `${key} ${attempts}`).sort();
    expect(keys).toEqual(["L1 1", "L1 1", "L2 1", "L3 2"]);
    expect(left.find(({ key }) => key === "L3")?.id).toBe(before.find(({ key }) => key === "L3")?.id);
    // what was written since under its key is said
    expect(left.find(({ key }) => key === "L2")).toMatchObject({ newer: { run: expect.any(String) } });
  });

  test("in order by key waits behind its letter, and is taken in by the replay", async () => {
    const flowId = await publishedFlow(ctx, flow({}, { order: "by-key" }));
    await run(flowId);
    const second = await run(flowId);
    expect(second.counts).toMatchObject({ read: 20, held: 5, dead: 0 });
    expect(await open(flowId)).toHaveLength(5);
    const [letter] = await open(flowId);
    const { id } = await replayLetters(ctx, { ids: [letter!.id], patch: { net: 5 }, from: "step", version: "live" });
    await runToEnd(database, id);
    expect((await getLetter(ctx, letter!.id)).state).toBe("resolved");
  });
});

test("records on two pages that trade a unique value are refused with what to do, and replayed together they trade", async () => {
  await shop.query("UPDATE orders SET net = id; ALTER TABLE invoices ADD UNIQUE (net)");
  const flowId = await publishedFlow(ctx, flow({}, { pageSize: 5 }));
  await run(flowId);
  await shop.query("UPDATE orders SET net = CASE id WHEN 1 THEN '20' ELSE '1' END WHERE id IN (1, 20)");
  expect((await run(flowId)).counts).toMatchObject({ read: 20, unchanged: 18, dead: 2 });
  const letters = await open(flowId);
  for (const { reason } of letters) expect(reason).toMatch(/If that one is to change as well, try both again together/);
  const { id } = await replayLetters(ctx, { ids: ids(letters), from: "step", version: "live" });
  await runToEnd(database, id);
  expect((await getRunDetail(ctx, id)).counts).toMatchObject({ read: 2, updated: 2, dead: 0 });
  const { rows } = await shop.query("SELECT no, net::int FROM invoices WHERE no IN ('A1', 'A20') ORDER BY no");
  expect(rows).toEqual([
    { no: "A1", net: 20 },
    { no: "A20", net: 1 },
  ]);
});
