/** Starts that come at about the same time go in one statement; each has its own answer, its job and its place in the audit. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ServerContext } from "../context.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { insertFlow, queuedRuns } from "../testing/rows.ts";
import { startRun } from "./start-run.ts";

let database: TestDatabase;
let ctx: ServerContext;
beforeAll(async () => {
  database = await testDatabase("start_together");
  ctx = await testContext(database);
});
afterAll(() => database?.drop());

const document = { name: "Orders", steps: [{ id: "orders", kind: "read" }] };
const byEvent = { name: "Events", steps: [{ id: "hook", kind: "webhook" }] };
const start = (flowId: string, context = ctx) => startRun(context, { flowId, mode: "live" });
const transactionsOf = async (ids: string[]) =>
  (await database.pool.query("SELECT count(DISTINCT xmin::text)::int AS n FROM run WHERE id = ANY($1)", [ids])).rows[0]
    .n;

it("each of many gets a run of its own flow, a job and an audit entry, in a few transactions", async () => {
  const flows = await Promise.all([1, 2, 3, 4].map(() => insertFlow(ctx, { document, liveVersion: 2 })));
  const asked = Array.from({ length: 40 }, (_, n) => flows[n % flows.length] as string);
  const started = await Promise.all(asked.map((flowId) => start(flowId)));
  const ids = started.map(({ id }) => id);
  expect(new Set(ids).size).toBe(40);
  const runs = await ctx.db.run.findMany({ where: { id: { in: ids.map(BigInt) } }, orderBy: { id: "asc" } });
  const flowOf = new Map(runs.map(({ id, flowId }) => [id.toString(), flowId]));
  expect(ids.map((id) => flowOf.get(id))).toEqual(asked);
  expect(runs.every(({ version, state, mode }) => version === 2 && state === "queued" && mode === "live")).toBe(true);
  expect(await queuedRuns(ctx)).toEqual(expect.arrayContaining(ids));
  const noted = await ctx.db.audit.findMany({ where: { workspaceId: ctx.workspaceId, action: "run.start" } });
  expect(noted.map(({ detail }) => (detail as { run: string }).run).sort()).toEqual(ids.toSorted());
  expect(await transactionsOf(ids)).toBeLessThan(10);
});

it("those that are refused are told why, and cost the others nothing", async () => {
  const other = await testContext(database);
  const [good, stopped, draft, events] = await Promise.all([
    insertFlow(ctx, { document, liveVersion: 1 }),
    insertFlow(ctx, { document, liveVersion: 1 }),
    insertFlow(ctx, { document }),
    insertFlow(ctx, { document: byEvent, liveVersion: 1 }),
  ]);
  await ctx.db.flow.update({ where: { id: stopped }, data: { paused: true } });
  const answers = await Promise.allSettled([
    start(good),
    start(stopped),
    start(draft),
    start(events),
    start("flw_nowhere"),
    start(good, other), // a flow of another workspace
    start(good),
  ]);
  const told = answers.map((one) => (one.status === "fulfilled" ? "started" : one.reason.code));
  expect(told).toEqual(["started", "paused", "not-published", "waits-for-events", "not-found", "not-found", "started"]);
  expect(await ctx.db.run.count({ where: { flowId: good } })).toBe(2);
  expect(await ctx.db.run.count({ where: { flowId: { in: [stopped, draft, events] } } })).toBe(0);
});

it("a flow that somebody is changing is waited for by its own starts only", async () => {
  const [free, busy] = await Promise.all([1, 2].map(() => insertFlow(ctx, { document, liveVersion: 1 })));
  const client = await database.pool.connect();
  try {
    await client.query("BEGIN");
    await client.query("UPDATE flow SET paused = true WHERE id = $1", [busy]);
    let waited = true;
    const held = start(busy as string).finally(() => {
      waited = false;
    });
    held.catch(() => {});
    expect(await Promise.all([start(free as string), start(free as string)])).toHaveLength(2);
    expect(waited).toBe(true);
    await client.query("COMMIT");
    await expect(held).rejects.toMatchObject({ code: "paused" });
  } finally {
    client.release();
  }
});
