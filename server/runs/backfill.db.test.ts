import type pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import type { ServerContext } from "../context.ts";
import { pauseFlow } from "../flows/pause-flow.ts";
import { resumeFlow } from "../flows/resume-flow.ts";
import type { TestDatabase } from "../testing/database.ts";
import { type FlowWorld, flowWorld } from "../testing/flow-world.ts";
import { publishedFlow, runFlow, runToEnd, TEST_BRIEF } from "../testing/flows.ts";
import { getRun } from "./get-run.ts";
import { startRun } from "./start-run.ts";

let world: FlowWorld;
let database: TestDatabase;
let client: pg.Client;
let ctx: ServerContext;

beforeAll(async () => {
  world = await flowWorld("backfill");
  ({ database, client, ctx } = world);
});
afterAll(() => world.end());
beforeEach(async () => {
  await client.query("DROP TABLE IF EXISTS orders, copies");
  await client.query("CREATE TABLE orders (id int PRIMARY KEY, day date NOT NULL, total int)");
  await client.query("INSERT INTO orders SELECT i, '2026-01-01'::date + i, i FROM generate_series(1, 100) i");
  await client.query("CREATE TABLE copies (id int PRIMARY KEY, day date, total int)");
});

let count = 0;
const newFlow = () =>
  publishedFlow(ctx, {
    format: "plumbline/1",
    name: `Copies ${++count}`,
    brief: TEST_BRIEF,
    steps: [
      { id: "orders", kind: "read", connection: "Shop", stream: "orders", sync: "incremental", watermark: "day" },
      { id: "copies", kind: "write", connection: "Shop", sink: "copies", operation: "upsert", match: ["id"] },
    ],
    links: [{ from: "orders", to: "copies" }],
    settings: { pageSize: 10 },
  });
const countsOf = async (id: string) => (await getRun(ctx, id)).run.counts;
const watermarkOf = async (flowId: string) =>
  (await database.pool.query("SELECT watermark FROM flow_position WHERE flow_id = $1", [flowId])).rows[0]?.watermark;

it("a backfill reads its range again and leaves the watermark alone", async () => {
  const flowId = await newFlow();
  expect(await countsOf(await runFlow(database, ctx, flowId))).toMatchObject({ read: 100, created: 100 });
  const before = await watermarkOf(flowId);
  expect(before).toBeTruthy();
  await client.query("UPDATE orders SET total = -total WHERE id IN (20, 21, 40)"); // their day is the same: no watermark tells
  expect(await countsOf(await runFlow(database, ctx, flowId))).toMatchObject({ read: 0 });
  const backfill = { from: "2026-01-16", until: "2026-01-31" };
  const again = await runFlow(database, ctx, flowId, { backfill });
  expect((await getRun(ctx, again)).range).toEqual(backfill);
  expect(await countsOf(again)).toMatchObject({
    read: 15,
    updated: 2,
    unchanged: 13,
  });
  expect(await watermarkOf(flowId)).toEqual(before);
  await client.query("INSERT INTO orders VALUES (101, '2026-06-01', 1)");
  expect(await countsOf(await runFlow(database, ctx, flowId))).toMatchObject({ read: 1, created: 1 });
});

it("a stopped flow halts at a page, holds no worker, and goes on there", async () => {
  const flowId = await newFlow();
  await client.query(
    "CREATE OR REPLACE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.005); RETURN NEW; END $$",
  );
  await client.query("CREATE TRIGGER slow BEFORE INSERT ON copies FOR EACH ROW EXECUTE FUNCTION slowly()");
  const { id } = await startRun(ctx, { flowId, mode: "live" });
  const running = runToEnd(database, id);
  await vi.waitUntil(async () => (await countsOf(id)).read >= 20, { timeout: 20_000, interval: 10 });
  await pauseFlow(ctx, flowId);
  await running;
  const { run } = await getRun(ctx, id);
  expect(run.state).toBe("waiting");
  expect(run.counts.read).toBeLessThan(100);
  const there = Number((await client.query("SELECT count(*)::int AS n FROM copies")).rows[0].n);
  expect(there).toBe(run.counts.created);
  await resumeFlow(ctx, flowId);
  await runToEnd(database, id);
  expect(await getRun(ctx, id)).toMatchObject({
    balanced: true,
    run: { state: "succeeded", counts: { read: 100, created: 100 } },
  });
});

it("a backfill of a flow that reads all records each time is refused: it would read all of them", async () => {
  const flowId = await publishedFlow(ctx, {
    format: "plumbline/1",
    name: `All copies ${++count}`,
    brief: TEST_BRIEF,
    steps: [
      { id: "orders", kind: "read", connection: "Shop", stream: "orders", sync: "full" },
      { id: "copies", kind: "write", connection: "Shop", sink: "copies", operation: "upsert", match: ["id"] },
    ],
    links: [{ from: "orders", to: "copies" }],
  });
  const range = { backfill: { from: "2026-01-16" } };
  await expect(startRun(ctx, { flowId, mode: "live", ...range })).rejects.toMatchObject({ code: "no-range" });
  await expect(startRun(ctx, { flowId, mode: "dry", ...range })).rejects.toMatchObject({ code: "no-range" });
});
