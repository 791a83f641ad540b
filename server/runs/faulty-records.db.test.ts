import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { Json, JsonRecord } from "../../connectors/sdk/types.ts";
import { type FakeRest, startFakeRest } from "../../connectors/testing/fake-rest.ts";
import { createConnection } from "../connections/change-connections.ts";
import { probeDue } from "../connections/guard/probe.ts";
import { replayLetters } from "../dead-letters/replay-letters.ts";
import { type FlowWorld, flowWorld } from "../testing/flow-world.ts";
import { publishedFlow, runFlow, runToEnd, TEST_BRIEF } from "../testing/flows.ts";
import { getRunDetail } from "./get-run.ts";

/** A target that fails at single records (500, 404), one that fails at all, and one whose answers are lost. */
const ROWS = 40;
let world: FlowWorld;
let books: FakeRest;
let port = 0;

beforeAll(async () => {
  world = await flowWorld("faulty_records");
  await world.client.query("CREATE TABLE orders (id int PRIMARY KEY, name text NOT NULL)");
  await world.client.query(`INSERT INTO orders SELECT i, 'order ' || i FROM generate_series(1, ${ROWS}) i`);
});
afterAll(() => world.end());
beforeEach(async () => {
  books = await startFakeRest({ port, collections: { orders: {} }, idempotencyHeader: null });
  if (port === 0) {
    port = Number(new URL(books.url).port);
    const sink = { key: ["id"], create: { path: "/orders" } };
    const whole = { ...sink, update: { path: "/orders/{id}" }, read: { path: "/orders/{id}" } };
    const sinks = [
      { ...whole, name: "orders" },
      { ...sink, name: "blind" },
    ];
    const settings = { baseUrl: books.url, checkPath: "/orders", sinks };
    await createConnection(world.ctx, { name: "Books", connector: "http", settings });
  }
});
afterEach(() => books.close());

let count = 0;
const flow = (settings: object = {}, write: object = { sink: "orders", operation: "upsert", match: ["id"] }) =>
  publishedFlow(world.ctx, {
    format: "plumbline/1",
    name: `Orders ${++count}`,
    brief: TEST_BRIEF,
    steps: [
      { id: "orders", kind: "read", connection: "Shop", stream: "orders", sync: "full" },
      { id: "write", kind: "write", connection: "Books", ...write },
    ],
    links: [{ from: "orders", to: "write" }],
    settings,
  });

/** Answers every write of these records with this status. */
const failingAt =
  (status: number, ...ids: number[]) =>
  (method: string, _: string, body: Json) =>
    method !== "GET" && ids.includes(Number((body as JsonRecord | null)?.id)) ? { status } : undefined;
const letters = async (flowId: string) =>
  (
    await world.database.pool.query(
      "SELECT id, key, code, reason FROM dead_letter WHERE flow_id = $1 AND state = 'open' ORDER BY key",
      [flowId],
    )
  ).rows;
const tryAgain = async (runId: string) => {
  await world.database.pool.query("UPDATE run SET resume_at = now() - interval '1 second' WHERE id = $1", [runId]);
  await runToEnd(world.database, runId);
};

it("a record the target fails inside at does not hold up the others, and can be replayed", async () => {
  const flowId = await flow();
  books.answers = failingAt(500, 7, 23);
  const runId = await runFlow(world.database, world.ctx, flowId);
  const { state, counts, balanced } = await getRunDetail(world.ctx, runId);
  expect({ state, balanced }).toEqual({ state: "succeeded_with_errors", balanced: true });
  expect(counts).toMatchObject({ read: ROWS, created: ROWS - 2, dead: 2, held: 0 });
  expect(books.effects()).toBe(ROWS - 2);
  const open = await letters(flowId);
  expect(open.map(({ key, code }) => ({ key, code }))).toEqual([
    { key: "23", code: "refused" },
    { key: "7", code: "refused" },
  ]);
  expect(open[0].reason).toMatch(/failed inside \(500 for POST \/orders\) at this record, and took others/);
  books.answers = undefined;
  const { id } = await replayLetters(world.ctx, {
    ids: open.map((letter) => letter.id),
    from: "step",
    version: "live",
  });
  await runToEnd(world.database, id);
  expect((await getRunDetail(world.ctx, id)).counts).toMatchObject({ read: 2, created: 2 });
  expect(books.collection("orders").records.size).toBe(ROWS);
  expect(books.effects()).toBe(ROWS);
}, 60_000);

it("nor does the last one of all, once the page was tried three times", async () => {
  const flowId = await flow();
  books.answers = failingAt(500, ROWS);
  const runId = await runFlow(world.database, world.ctx, flowId);
  expect((await getRunDetail(world.ctx, runId)).state).toBe("waiting");
  await tryAgain(runId);
  expect((await getRunDetail(world.ctx, runId)).state).toBe("waiting");
  await tryAgain(runId);
  const { counts, balanced } = await getRunDetail(world.ctx, runId);
  expect(balanced).toBe(true);
  expect(counts).toMatchObject({ read: ROWS, created: ROWS - 1, dead: 1, held: 0 });
  expect(books.effects()).toBe(ROWS - 1);
}, 60_000);

it("a target that fails at all of them makes no dead letters: the run waits, and fails when its tries are used up", async () => {
  const flowId = await flow({ retry: { attempts: 2, for: "1h" } });
  books.answers = (method) => (method === "GET" ? undefined : { status: 500 });
  const runId = await runFlow(world.database, world.ctx, flowId);
  expect(await getRunDetail(world.ctx, runId)).toMatchObject({ state: "waiting", counts: { held: ROWS, dead: 0 } });
  await tryAgain(runId);
  const run = await getRunDetail(world.ctx, runId);
  expect(run).toMatchObject({ state: "failed", counts: { dead: 0 } });
  expect(run.error?.message).toContain("Given up after 2 attempts");
  expect(await letters(flowId)).toEqual([]);
}, 60_000);

it("a target that fails from the middle on makes none either", async () => {
  const flowId = await flow({ retry: { attempts: 4, for: "1h" } });
  const failing = Array.from({ length: 20 }, (_, index) => ROWS - index);
  books.answers = failingAt(500, ...failing);
  const runId = await runFlow(world.database, world.ctx, flowId);
  for (let tried = 0; tried < 2; tried++) await tryAgain(runId);
  expect(await getRunDetail(world.ctx, runId)).toMatchObject({ state: "waiting", counts: { held: 20, dead: 0 } });
  books.answers = undefined;
  await tryAgain(runId);
  expect((await getRunDetail(world.ctx, runId)).counts).toMatchObject({ read: ROWS, created: ROWS, dead: 0 });
  expect(books.effects()).toBe(ROWS);
}, 60_000);

it("a 404 for one record of many is that record's failure, and not the end of the run", async () => {
  const flowId = await flow();
  books.answers = failingAt(404, 1, 20, ROWS);
  const runId = await runFlow(world.database, world.ctx, flowId);
  const run = await getRunDetail(world.ctx, runId);
  expect(run).toMatchObject({ state: "succeeded_with_errors", counts: { read: ROWS, created: ROWS - 3, dead: 3 } });
  expect((await letters(flowId)).map(({ key }) => key)).toEqual(["1", "20", String(ROWS)]);
});

it("lost answers that nobody can settle stop the run soon, instead of leaving everything in doubt", async () => {
  const flowId = await flow({ retry: { attempts: 2, for: "1h" } }, { sink: "blind", operation: "insert" });
  books.faults.dropAfter = 1;
  const runId = await runFlow(world.database, world.ctx, flowId);
  books.faults.dropAfter = 0;
  const doubtful = books.effects();
  expect(doubtful).toBeLessThanOrEqual(8);
  expect((await getRunDetail(world.ctx, runId)).state).toBe("waiting");
  await world.database.pool.query("UPDATE connection_guard SET next_probe_at = now() - interval '1 second'");
  await probeDue(world.database);
  await runToEnd(world.database, runId);
  const { counts, balanced } = await getRunDetail(world.ctx, runId);
  expect(balanced).toBe(true);
  expect(counts).toMatchObject({ read: ROWS, created: ROWS - doubtful, dead: doubtful });
  expect((await letters(flowId)).every(({ code }) => code === "may-have-arrived")).toBe(true);
  expect(books.collection("orders").records.size).toBe(ROWS);
}, 60_000);

/** A flow whose records come one at a time, each with the run that reads it. */
async function oneByOne(table: string) {
  await world.client.query(`CREATE TABLE IF NOT EXISTS ${table} (id int PRIMARY KEY, name text NOT NULL)`);
  await world.client.query(`TRUNCATE ${table}`);
  const flowId = await publishedFlow(world.ctx, {
    format: "plumbline/1",
    name: `One by one ${++count}`,
    brief: TEST_BRIEF,
    steps: [
      { id: "news", kind: "read", connection: "Shop", stream: table, sync: "incremental", watermark: "id" },
      { id: "write", kind: "write", connection: "Books", sink: "blind", operation: "insert" },
    ],
    links: [{ from: "news", to: "write" }],
  });
  const next = async (id: number) => {
    await world.client.query(`INSERT INTO ${table} VALUES ($1, 'n')`, [id]);
    const { state, counts } = await getRunDetail(world.ctx, await runFlow(world.database, world.ctx, flowId));
    return { state, read: counts.read };
  };
  return { flowId, next };
}

it.each([403, 404, 405])(
  "a record that comes alone and is refused with %i costs those behind it nothing",
  async (status) => {
    const { flowId, next } = await oneByOne("news");
    books.answers = failingAt(status, 2);
    const runs = [await next(1), await next(2), await next(3)];
    expect(runs).toEqual(["succeeded", "succeeded_with_errors", "succeeded"].map((state) => ({ state, read: 1 })));
    expect((await letters(flowId)).map(({ key }) => key)).toEqual(["2"]);
  },
);

it("when nothing is taken any more, records that come one by one wait after a few", async () => {
  const { flowId, next } = await oneByOne("more");
  expect((await next(1)).state).toBe("succeeded");
  books.answers = (method) => (method === "GET" ? undefined : { status: 403 });
  const states: string[] = [];
  for (let id = 2; id < 12 && states.at(-1) !== "waiting"; id++) states.push((await next(id)).state);
  expect(states).toEqual([...Array<string>(9).fill("succeeded_with_errors"), "waiting"]);
  expect(await letters(flowId)).toHaveLength(9);
});
