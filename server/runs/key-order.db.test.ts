import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ServerContext } from "../context.ts";
import { dismissLetters } from "../dead-letters/dismiss-letters.ts";
import { listLetters } from "../dead-letters/list-letters.ts";
import { replayLetters } from "../dead-letters/replay-letters.ts";
import type { TestDatabase } from "../testing/database.ts";
import { type FlowWorld, flowWorld } from "../testing/flow-world.ts";
import { publishedFlow, runFlow, runToEnd, TEST_BRIEF } from "../testing/flows.ts";
import { getRun, getRunDetail } from "./get-run.ts";
import { startReleases } from "./run-parked.ts";

let world: FlowWorld;
let database: TestDatabase;
let client: pg.Client;
let ctx: ServerContext;

beforeAll(async () => {
  world = await flowWorld("order");
  ({ database, client, ctx } = world);
});
afterAll(() => world.end());
beforeEach(async () => {
  await client.query("DROP TABLE IF EXISTS events, customers");
  await client.query("CREATE TABLE events (no int PRIMARY KEY, customer text, name text, seen timestamptz NOT NULL)");
  // `trail` shows in which order what arrived
  await client.query("CREATE TABLE customers (customer text PRIMARY KEY, name text NOT NULL, trail text)");
  await client.query(`CREATE OR REPLACE FUNCTION trail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    NEW.trail := coalesce(CASE WHEN TG_OP = 'UPDATE' THEN OLD.trail END || ' ', '') || NEW.name; RETURN NEW; END $$`);
  await client.query("CREATE TRIGGER trail BEFORE INSERT OR UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION trail()");
});

let count = 0;
async function orderedFlow(order: "by-key" | "none" = "by-key", pageSize = 1000): Promise<string> {
  return await publishedFlow(ctx, {
    format: "plumbline/1",
    name: `Ordered ${++count}`,
    brief: TEST_BRIEF,
    steps: [
      { id: "events", kind: "read", connection: "Shop", stream: "events", sync: "incremental", watermark: "seen" },
      {
        id: "map",
        kind: "map",
        fields: [
          { to: "customer", from: "customer" },
          { to: "name", from: "name" },
        ],
      },
      {
        id: "write",
        kind: "write",
        connection: "Shop",
        sink: "customers",
        operation: "upsert",
        match: ["customer"],
      },
    ],
    links: [
      { from: "events", to: "map" },
      { from: "map", to: "write" },
    ],
    settings: { order, pageSize },
  });
}

/** `null` is refused by the target. */
async function happen(...events: [customer: string, name: string | null][]): Promise<void> {
  for (const [customer, name] of events)
    await client.query(
      "INSERT INTO events SELECT coalesce(max(no), 0) + 1, $1, $2, '2026-01-01'::timestamptz + (coalesce(max(no), 0) + 1) * interval '1 minute' FROM events",
      [customer, name],
    );
}
const trails = async () =>
  Object.fromEntries(
    (await client.query("SELECT customer, trail FROM customers ORDER BY customer")).rows.map(({ customer, trail }) => [
      customer,
      trail,
    ]),
  );
const countsOf = async (runId: string) => {
  const { run, balanced } = await getRun(ctx, runId);
  expect(balanced).toBe(true);
  return run.counts;
};
const lettersOf = async (flowId: string) =>
  (
    await database.pool.query("SELECT id, key FROM dead_letter WHERE flow_id = $1 AND state = 'open' ORDER BY id", [
      flowId,
    ])
  ).rows as { id: string; key: string }[];
async function release(): Promise<string[]> {
  const runs = await startReleases(database.pool);
  for (const id of runs) await runToEnd(database, id);
  return runs;
}

describe.each([1000, 2])("order by key, with pages of %i", (pageSize) => {
  it("parks what follows a dead record of the same key, within a run and across runs; replaying it lets them go in order", async () => {
    const flowId = await orderedFlow("by-key", pageSize);
    await happen(["ann", "a1"], ["bob", "b1"], ["ann", null], ["ann", "a3"], ["bob", "b2"], ["ann", "a4"]);
    const firstId = await runFlow(database, ctx, flowId);
    expect(await countsOf(firstId)).toMatchObject({ read: 6, dead: 1, held: 2, created: 2, updated: 1 });
    expect((await getRunDetail(ctx, firstId)).holding).toMatchObject({ parked: 2, approvals: 0, waits: 0 });
    expect(await trails()).toEqual({ ann: "a1", bob: "b1 b2" });

    await happen(["ann", "a5"], ["bob", "b3"]);
    expect(await countsOf(await runFlow(database, ctx, flowId))).toMatchObject({ read: 2, held: 1, updated: 1 });
    expect(await release()).toEqual([]); // the first is still dead
    expect((await listLetters(ctx, { flowId, limit: 10 })).items).toMatchObject([{ key: "ann", parked: 3 }]);
    expect(await trails()).toEqual({ ann: "a1", bob: "b1 b2 b3" });

    const [letter] = await lettersOf(flowId);
    const { id } = await replayLetters(ctx, {
      ids: [letter?.id ?? ""],
      patch: { name: "a2" },
      from: "step",
      version: "live",
    });
    await runToEnd(database, id);
    const [released] = await release();
    expect(await countsOf(released ?? "")).toMatchObject({ read: 3, updated: 3, held: 0 });
    // what went on waits no more, though that run held it back
    expect(await getRunDetail(ctx, firstId)).toMatchObject({ counts: { held: 2 }, holding: { parked: 0 } });
    expect((await getRun(ctx, released ?? "")).run.kind).toBe("replay");
    expect(await trails()).toEqual({ ann: "a1 a2 a3 a4 a5", bob: "b1 b2 b3" });
    expect((await database.pool.query("SELECT FROM parked_record WHERE flow_id = $1", [flowId])).rowCount).toBe(0);
    expect(await release()).toEqual([]);
  });

  it("parks the rest again when a released record dies; dismissing lets them go", async () => {
    const flowId = await orderedFlow("by-key", pageSize);
    await happen(["ann", null], ["ann", "a2"], ["ann", null], ["ann", "a4"]);
    await runFlow(database, ctx, flowId);
    expect(await trails()).toEqual({});
    const [first] = await lettersOf(flowId);
    await dismissLetters(ctx, { ids: [first?.id ?? ""], note: "never mind" });
    const [released] = await release();
    expect(await countsOf(released ?? "")).toMatchObject({ read: 3, created: 1, dead: 1, held: 1 });
    expect(await trails()).toEqual({ ann: "a2" });
    const [second] = await lettersOf(flowId);
    await dismissLetters(ctx, { ids: [second?.id ?? ""], note: "nor this" });
    await release();
    expect(await trails()).toEqual({ ann: "a2 a4" });
  });
});

it("without order, what follows is not held up", async () => {
  const flowId = await orderedFlow("none");
  await happen(["ann", null], ["ann", "a2"]);
  expect(await countsOf(await runFlow(database, ctx, flowId))).toMatchObject({ read: 2, dead: 1, created: 1, held: 0 });
});
