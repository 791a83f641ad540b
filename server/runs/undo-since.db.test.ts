import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { closeSessions } from "../connections/session-pool.ts";
import type { ServerContext } from "../context.ts";
import { replayLetters } from "../dead-letters/replay-letters.ts";
import { publishFlow } from "../flows/publish-flow.ts";
import { saveDraft } from "../flows/save-draft.ts";
import { callerAs } from "../testing/callers.ts";
import { testContext } from "../testing/context.ts";
import type { TestDatabase } from "../testing/database.ts";
import { publishedFlow, runFlow, runToEnd, TEST_BRIEF } from "../testing/flows.ts";
import { insertChange, insertRunRow } from "../testing/rows.ts";
import { type ShopAndBooks, shopAndBooks } from "../testing/shop-and-books.ts";
import { getRunDetail } from "./get-run.ts";
import { listChanges } from "./list-changes.ts";
import { listCovered } from "./list-covered.ts";
import { readFoldedRows } from "./run-undo-since.ts";
import { undoRun } from "./undo-run.ts";
import { type UndoSince, undoSince } from "./undo-since.ts";

let world: ShopAndBooks;
let database: TestDatabase;
let shop: pg.Pool;
let books: pg.Pool;
let ctx: ServerContext;

beforeAll(async () => {
  world = await shopAndBooks("undo_since");
  ({ database } = world);
  shop = new pg.Pool({ connectionString: world.shop.url });
  books = new pg.Pool({ connectionString: world.books.url });
  for (const pool of [shop, books]) pool.on("error", () => {});
});

afterEach(closeSessions); // each test has connections of its own
afterAll(async () => {
  await shop.end();
  await books.end();
  await world.end();
});

beforeEach(async () => {
  ctx = await world.workspace();
  await shop.query("DROP TABLE IF EXISTS orders; CREATE TABLE orders (id int PRIMARY KEY, net text, gone boolean)");
  await books.query(`DROP TABLE IF EXISTS invoices; CREATE TABLE invoices (id int PRIMARY KEY, net numeric(12,2) NOT NULL,
    note text)`);
});

/** Orders become invoices; those that are gone are deleted there. */
const flow = (factor = 1) => ({
  format: "plumbline/1",
  name: "Orders to books",
  brief: TEST_BRIEF,
  steps: [
    { id: "orders", kind: "read", connection: "Shop", stream: "orders", sync: "full" },
    { id: "check", kind: "check", rules: [{ field: "net", is: "number" }], otherwise: "dead" },
    { id: "gone", kind: "branch", branches: [{ port: "gone", where: "gone" }] },
    {
      id: "map",
      kind: "map",
      fields: [
        { to: "id", from: "id" },
        { to: "net", formula: `NUMBER(net) * ${factor}` },
      ],
    },
    { id: "write", kind: "write", connection: "Books", sink: "invoices", operation: "upsert", match: ["id"] },
    { id: "remove", kind: "write", connection: "Books", sink: "invoices", operation: "delete", match: ["id"] },
  ],
  links: [
    { from: "orders", to: "check" },
    { from: "check", to: "gone" },
    { from: "gone", port: "else", to: "map" },
    { from: "gone", port: "gone", to: "remove" },
    { from: "map", to: "write" },
  ],
});

async function republish(flowId: string, document: object): Promise<void> {
  await saveDraft(ctx, { flowId, document });
  await publishFlow(ctx, { flowId, note: "test" });
}

const invoices = async () => (await books.query("SELECT * FROM invoices ORDER BY id")).rows;
/** A moment with some room before and after it; times in the database are rounded to a millisecond. */
async function moment(): Promise<string> {
  const { rows } = await database.pool.query("SELECT clock_timestamp() AS now, pg_sleep(0.02) FROM pg_sleep(0.02)");
  return rows[0].now.toISOString();
}

async function undo(flowId: string, since: string, options: Partial<UndoSince> = {}, sliceMs?: number) {
  const { id } = await undoSince(ctx, { flowId, since, preview: false, onConflict: "skip", ...options });
  await runToEnd(database, id, sliceMs);
  return await getRunDetail(ctx, id);
}

const kept = async () =>
  (await database.pool.query<{ rows: number }>("SELECT count(*)::int AS rows FROM undo_row")).rows[0]?.rows;

/**
 * Orders 1 to `count` are written by a first run. After the moment that is given back, a bad version writes them tenfold and
 * creates two more (its replay, a third); the next run updates some, and a last one deletes 3 and 4 and one that is new.
 */
async function threeBadRuns(count = 20) {
  await shop.query("INSERT INTO orders SELECT i, i, false FROM generate_series(1, $1::int) i", [count]);
  await shop.query("UPDATE orders SET net = 'ten' WHERE id = 10");
  const flowId = await publishedFlow(ctx, flow());
  const first = await runFlow(database, ctx, flowId);
  await books.query("UPDATE invoices SET note = 'kept' WHERE id = 7");
  const before = await invoices();
  const since = await moment();
  await republish(flowId, flow(10));
  await shop.query("INSERT INTO orders SELECT i, i, false FROM generate_series(101, 102) i");
  const second = await runFlow(database, ctx, flowId);
  const { rows } = await database.pool.query("SELECT id FROM dead_letter WHERE run_id = $1", [second]);
  const ids = rows.map(({ id }) => String(id));
  const replay = await replayLetters(ctx, { ids, patch: { net: 77 }, from: "start", version: "live" });
  await runToEnd(database, replay.id);
  await shop.query("UPDATE orders SET net = 1000 + id WHERE id IN (5, 6, 101)");
  await runFlow(database, ctx, flowId);
  await shop.query("UPDATE orders SET gone = true WHERE id IN (3, 4, 102)");
  await runFlow(database, ctx, flowId);
  return { flowId, first, since, before };
}

describe("undoing all runs of a flow since a moment", () => {
  test("puts each record back to what it was before the first of their writes, and a second undo finds nothing", async () => {
    const { flowId, first, since, before } = await threeBadRuns();
    const now = await invoices();
    expect(now).not.toEqual(before);

    const preview = await undo(flowId, since, { preview: true });
    expect(preview).toMatchObject({ kind: "undo", mode: "dry", state: "succeeded", parentId: null, since });
    // 19 of the first run are changed, 10 and 101 are new; 102 was new and is gone again: nothing to put back
    const counts = { read: 21, restored: 21, conflict: 0, failed: 0 };
    expect(preview.undoCounts).toEqual(counts);
    expect(await invoices()).toEqual(now);
    const foreseen = await listChanges(ctx, { runId: preview.id, limit: 100 });
    expect(foreseen.items.find(({ key }) => key === "5")).toMatchObject({
      operation: "update",
      before: { net: "10050.00" },
      after: { net: "5.00" },
    });

    const done = await undo(flowId, since);
    expect(done).toMatchObject({ state: "succeeded", undoCounts: counts, balanced: true });
    expect(await invoices()).toEqual(before);
    expect(await kept()).toBe(0);
    expect((await getRunDetail(ctx, first)).undo).toMatchObject({ possible: 19, done: 0 });

    expect((await undo(flowId, since)).undoCounts).toEqual({ read: 0, restored: 0, conflict: 0, failed: 0 });
    expect(await invoices()).toEqual(before);

    // it is in the ledger itself
    const redo = await undoRun(ctx, { runId: done.id, preview: false, onConflict: "skip" });
    await runToEnd(database, redo.id);
    expect(await invoices()).toEqual(now);
    expect((await undo(flowId, since)).undoCounts).toMatchObject({ restored: 21 });
    expect(await invoices()).toEqual(before);
  });

  test("leaves what somebody changed since, and goes back no further than what they changed in between", async () => {
    const { flowId, since, before } = await threeBadRuns();
    await books.query("UPDATE invoices SET net = 5.5 WHERE id = 5");
    await books.query("INSERT INTO invoices VALUES (3, 33)");
    // by hand, before a run writes it once more
    await books.query("UPDATE invoices SET net = 8.8 WHERE id = 8");
    await runFlow(database, ctx, flowId);
    await books.query("DELETE FROM invoices WHERE id = 9");

    const seen = (await undo(flowId, since, { preview: true })).undoCounts;
    const done = await undo(flowId, since);
    // the run deleted order 3 again, so that it goes back to what was made by hand, and wrote 5 once more
    expect(done).toMatchObject({
      state: "succeeded_with_errors",
      undoCounts: { read: 21, restored: 17, conflict: 4, failed: 0 },
    });
    expect(seen).toEqual(done.undoCounts);
    const now = await invoices();
    const of = (rows: typeof now, id: number) => rows.find((row) => row.id === id);
    expect(now.filter(({ id }) => ![3, 5, 8, 9].includes(id))).toEqual(
      before.filter(({ id }) => ![3, 5, 8, 9].includes(id)),
    );
    expect([of(now, 3)?.net, of(now, 5)?.net, of(now, 8)?.net, of(now, 9)]).toEqual([
      "33.00",
      "5.50",
      "8.80",
      undefined,
    ]);
    const { items } = await listChanges(ctx, { runId: done.id, refused: true, limit: 10 });
    expect(new Set(items.map(({ key, undo: state }) => `${key} ${state}`))).toEqual(
      new Set(["3 conflict", "5 conflict", "8 conflict", "9 conflict"]),
    );
    const refusal = (key: string) => items.find((item) => item.key === key)?.refusal;
    expect(refusal("8")?.fields).toEqual([{ field: "net", wrote: "80.00", now: "8.80", old: "8.00" }]);
    expect(refusal("5")?.fields).toEqual([{ field: "net", wrote: "10050.00", now: "5.50", old: "5.00" }]);
    expect(refusal("9")).toEqual({ message: expect.stringContaining("deleted since"), fields: [] });

    const forced = await undo(flowId, since, { records: ["3", "5", "8"], onConflict: "force" });
    expect(forced.undoCounts).toMatchObject({ restored: 3, conflict: 0, failed: 0 });
    expect((await invoices()).filter(({ id }) => id !== 9)).toEqual(before.filter(({ id }) => id !== 9));
  });

  test("leaves alone what the target fills in by itself, also of records that were deleted and made anew", async () => {
    await books.query(`ALTER TABLE invoices ADD cents bigint GENERATED ALWAYS AS ((net * 100)::bigint) STORED,
      ADD row bigint GENERATED ALWAYS AS IDENTITY`);
    const { flowId, since, before } = await threeBadRuns();
    const stored = (rows: typeof before) => rows.map(({ row: _, ...values }) => values);
    expect((await undo(flowId, since)).undoCounts).toMatchObject({ restored: 21, failed: 0 });
    expect(await invoices()).toEqual(before);
    await runFlow(database, ctx, flowId);
    await shop.query("UPDATE orders SET gone = false");
    await runFlow(database, ctx, flowId);
    expect(await undo(flowId, since)).toMatchObject({ undoCounts: { conflict: 0, failed: 0 } });
    expect(stored(await invoices())).toEqual(stored(before));
    const { id } = await undo(flowId, since);
    expect((await listChanges(ctx, { runId: id, limit: 10 })).items).toEqual([]);
  });

  test("takes into account what was undone in between", async () => {
    await shop.query("INSERT INTO orders SELECT i, i, false FROM generate_series(1, 9) i");
    const flowId = await publishedFlow(ctx, flow());
    await runFlow(database, ctx, flowId);
    const before = await invoices();
    const since = await moment();
    await republish(flowId, flow(10));
    await runFlow(database, ctx, flowId);
    await republish(flowId, flow(100));
    const last = await runFlow(database, ctx, flowId);
    const { id } = await undoRun(ctx, { runId: last, preview: false, records: ["1", "2"], onConflict: "skip" });
    await runToEnd(database, id);
    const { id: all, undoCounts } = await undo(flowId, since);
    expect(undoCounts).toMatchObject({ read: 9, restored: 9 });
    expect(await invoices()).toEqual(before);
    const covered = await listCovered(ctx, { runId: all, limit: 10 });
    expect(covered.items.map((run) => run.kind)).toEqual(["undo", "flow", "flow"]);
  });

  test("puts back an undo of what was written before the moment: each record is as it was then", async () => {
    await shop.query("INSERT INTO orders SELECT i, i, false FROM generate_series(1, 9) i");
    const flowId = await publishedFlow(ctx, flow());
    await runFlow(database, ctx, flowId);
    await republish(flowId, flow(10));
    const second = await runFlow(database, ctx, flowId);
    const then = await invoices();
    const since = await moment();
    const { id } = await undoRun(ctx, { runId: second, preview: false, onConflict: "skip" });
    await runToEnd(database, id);
    await republish(flowId, flow(100));
    await runFlow(database, ctx, flowId);
    const preview = await undo(flowId, since, { preview: true });
    const { items } = await listCovered(ctx, { runId: preview.id, limit: 10 });
    expect(items.map(({ kind, parentId }) => [kind, parentId])).toEqual([
      ["flow", null],
      ["undo", second],
    ]);
    expect((await undo(flowId, since)).undoCounts).toMatchObject({ read: 9, restored: 9 });
    expect(await invoices()).toEqual(then);
    expect(await listCovered(ctx, { runId: second, limit: 10 })).toEqual({ items: [], next: null });
  });

  test("an undo that was undone leaves its run as it was: that can be undone again", async () => {
    await shop.query("INSERT INTO orders SELECT i, i, false FROM generate_series(1, 3) i");
    const flowId = await publishedFlow(ctx, flow());
    const first = await runFlow(database, ctx, flowId);
    const put = async (runId: string, records?: string[]) => {
      const { id } = await undoRun(ctx, { runId, preview: false, onConflict: "skip", ...(records && { records }) });
      await runToEnd(database, id);
      return id;
    };
    const back = await put(first);
    await put(back, ["1", "2"]);
    expect(await invoices()).toHaveLength(2);
    expect((await getRunDetail(ctx, first)).undo).toMatchObject({ possible: 2, done: 1 });
    await put(first);
    expect(await invoices()).toEqual([]);
    expect((await getRunDetail(ctx, first)).undo).toMatchObject({ possible: 0, done: 3 });
  });

  test("puts records back that swapped a unique value, at once or in several runs", async () => {
    await books.query("ALTER TABLE invoices ADD CONSTRAINT net UNIQUE (net) ");
    await shop.query("INSERT INTO orders SELECT i, i, false FROM generate_series(1, 6) i");
    const flowId = await publishedFlow(ctx, flow());
    await runFlow(database, ctx, flowId);
    const before = await invoices();
    const since = await moment();
    const write = async (values: { [id: number]: number }) => {
      for (const [id, net] of Object.entries(values))
        await shop.query("UPDATE orders SET net = $2 WHERE id = $1", [id, net]);
      const run = await getRunDetail(ctx, await runFlow(database, ctx, flowId));
      expect(run.counts.dead).toBe(0);
    };
    await write({ 1: 2, 2: 1 });
    await write({ 3: 30 });
    await write({ 4: 3, 3: 4 });
    await write({ 5: 6, 6: 7 });
    expect((await undo(flowId, since)).undoCounts).toEqual({ read: 6, restored: 6, conflict: 0, failed: 0 });
    expect(await invoices()).toEqual(before);
  });

  test("goes on from its last page after a break, page by page, and a record of many writes is counted once", async () => {
    await shop.query("INSERT INTO orders SELECT i, i, false FROM generate_series(1, 2500) i");
    const flowId = await publishedFlow(ctx, flow());
    await runFlow(database, ctx, flowId);
    const before = await invoices();
    const since = await moment();
    for (const factor of [2, 3]) {
      await republish(flowId, flow(factor));
      await runFlow(database, ctx, flowId);
    }
    // each page is an attempt of its own
    const done = await undo(flowId, since, {}, 0);
    expect(done).toMatchObject({ state: "succeeded", undoCounts: { read: 2500, restored: 2500 } });
    const { rows } = await database.pool.query("SELECT attempt FROM run WHERE id = $1", [done.id]);
    expect(rows[0].attempt).toBeGreaterThan(4);
    expect(await invoices()).toEqual(before);
    expect(
      (
        await database.pool.query(
          "SELECT count(*)::int AS left FROM change WHERE undo = 'possible' AND workspace_id = $1 AND run_id <> $2",
          [ctx.workspaceId, done.id],
        )
      ).rows[0].left,
    ).toBe(2500); // those of the first run
  });

  test("reads a record of more writes than a page holds piece by piece", async () => {
    const runId = "999999";
    for (let at = 1; at <= 7; at++) {
      const id = await insertChange(ctx, {
        ...{ run_id: runId, record_key: "a", operation: at === 1 ? "create" : "update" },
        ...{ before: at === 1 ? null : { n: at - 1 }, after: { n: at } },
      });
      await database.pool.query(
        "INSERT INTO undo_row SELECT 5, 1, id, run_id, at, workspace_id FROM change WHERE id = $1",
        [id],
      );
    }
    const pages = [];
    for await (const { rows } of readFoldedRows(database.pool, { runId: "5" }, false, null, 3)) pages.push(rows);
    await database.pool.query("DELETE FROM undo_row WHERE undo_run_id = 5");
    expect(
      pages.map((rows) => rows.map(({ before, after, partOfRecord }) => [before?.n, after?.n, partOfRecord])),
    ).toEqual([[[4, 7, true]], [[1, 4, true]], [[undefined, 1, undefined]]]);
  });
});

describe("asking for it", () => {
  const refusal = (code: string) => ({ cause: { code } });
  const all = (flowId: string, since = new Date(Date.now() - 3_600_000).toISOString()) => ({ flowId, since });

  test("queues a run that knows the moment, once, and notes who asked", async () => {
    const { flowId, since } = await threeBadRuns(5);
    const asked = callerAs(ctx, "operator").runs.undoSince({ flowId, since, onConflict: "force" });
    const { id } = await asked;
    const run = await ctx.db.run.findUniqueOrThrow({ where: { id: BigInt(id) } });
    expect(run).toMatchObject({
      flowId,
      kind: "undo",
      mode: "live",
      parentId: null,
      request: { since, onConflict: "force" },
    });
    expect(await ctx.db.audit.count({ where: { workspaceId: ctx.workspaceId, action: "flow.undo" } })).toBe(1);
    await expect(callerAs(ctx).runs.undoSince({ flowId, since })).rejects.toMatchObject(refusal("run-not-finished"));
    const { rows } = await database.pool.query("SELECT id FROM run WHERE flow_id = $1 AND kind = 'flow' LIMIT 1", [
      flowId,
    ]);
    await expect(callerAs(ctx).runs.undo({ runId: String(rows[0].id) })).rejects.toMatchObject(refusal("undo-running"));
  });

  test("is refused while a run is at work, when nothing was written, for what the ledger has forgotten, and to others", async () => {
    const flowId = await publishedFlow(ctx, flow());
    await expect(callerAs(ctx).runs.undoSince(all(flowId))).rejects.toMatchObject(refusal("nothing-to-undo"));
    const running = await insertRunRow(ctx, { flow_id: flowId, state: "running" });
    await expect(callerAs(ctx).runs.undoSince(all(flowId))).rejects.toMatchObject({
      message: expect.stringContaining(running),
      ...refusal("run-not-finished"),
    });
    const longAgo = new Date(Date.now() - 91 * 86_400_000).toISOString();
    await expect(callerAs(ctx).runs.undoSince(all(flowId, longAgo))).rejects.toMatchObject(refusal("too-long-ago"));
    await expect(callerAs(ctx, "builder").runs.undoSince(all(flowId))).rejects.toMatchObject({ code: "FORBIDDEN" });
    const stranger = await testContext(database);
    await expect(callerAs(stranger).runs.undoSince(all(flowId))).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(callerAs(ctx).runs.undoSince(all(flowId, "yesterday"))).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });
});
