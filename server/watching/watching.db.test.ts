import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase as RemoteDatabase } from "../../connectors/testing/postgres-database.ts";
import { removeConnection } from "../connections/change-connections.ts";
import { closeSessions } from "../connections/session-pool.ts";
import type { ServerContext } from "../context.ts";
import { flowState } from "../flows/flow-state.ts";
import { getFlow } from "../flows/get-flow.ts";
import { listFlows } from "../flows/list-flows.ts";
import { pauseFlow } from "../flows/pause-flow.ts";
import { removeFlow } from "../flows/remove-flow.ts";
import { getRun } from "../runs/get-run.ts";
import { startApi } from "../testing/api-server.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { connectDatabase, publishedFlow, runFlow, runToEnd, TEST_BRIEF } from "../testing/flows.ts";
import { startChangesRun } from "./start-changes-run.ts";
import { giveWatchLease, takeWatchLeases } from "./watch-leases.ts";

let database: TestDatabase;
let remote: RemoteDatabase;
let api: Awaited<ReturnType<typeof startApi>>;
let ctx: ServerContext;
let shop: pg.Client;
let connection: string;

beforeAll(async () => {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 8).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  database = await testDatabase("watching");
  remote = await createTestDatabase("watching_shop");
  api = await startApi(database);
  ctx = api.owner;
  shop = new pg.Client({ connectionString: remote.url });
  await shop.connect();
  connection = await connectDatabase(ctx, "Shop", remote.url);
});
afterAll(async () => {
  await shop?.end();
  await api?.stop();
  await closeSessions();
  await database?.drop();
  await remote?.drop();
});
beforeEach(async () => {
  for (const { id } of await listFlows(ctx)) await removeFlow(ctx, id);
  await shop.query("DROP TABLE IF EXISTS stock, copy, plumbline_change, plumbline_watch, plumbline_reader CASCADE");
  await shop.query(
    "CREATE TABLE stock (id int PRIMARY KEY, level int NOT NULL, seen_at timestamptz NOT NULL DEFAULT now())",
  );
  await shop.query("CREATE TABLE copy (id int PRIMARY KEY, level int NOT NULL CHECK (level < 1000))");
  await shop.query("INSERT INTO stock VALUES (1, 1), (2, 2), (3, 3)");
});

const place = `/connections/:id/watch`;
const at = () => place.replace(":id", connection);
const install = () => api.ask("POST", at(), { body: { stream: "stock" }, token: api.tokens.builder });

const follow = (read: object = {}) => ({
  format: "plumbline/1",
  name: "Stock",
  brief: TEST_BRIEF,
  steps: [
    { id: "stock", kind: "read", connection: "Shop", stream: "stock", sync: "changes", ...read },
    {
      id: "map",
      kind: "map",
      fields: [
        { to: "id", from: "id" },
        { to: "level", from: "level" },
      ],
    },
    { id: "copy", kind: "write", connection: "Shop", sink: "copy", operation: "upsert", match: ["id"] },
  ],
  links: [
    { from: "stock", to: "map" },
    { from: "map", to: "copy" },
  ],
});

const countsOf = async (runId: string) => {
  const { run } = await getRun(ctx, runId);
  const { read, created, updated, unchanged, dead } = run.counts;
  return { state: run.state, read, created, updated, unchanged, dead };
};

test("a builder installs and removes what records changes; a viewer may not; both are in the audit log", async () => {
  const query = `${at()}?stream=stock`;
  expect((await api.ask("GET", query, { token: api.tokens.viewer })).status).toBe(403);
  expect((await api.ask("POST", at(), { body: { stream: "stock" }, token: api.tokens.viewer })).status).toBe(403);
  const before = await api.ask("GET", query, { token: api.tokens.builder });
  expect(before.body).toMatchObject({
    watch: { state: "off" },
    plan: {
      summary: [expect.stringContaining("Triggers on stock"), expect.anything(), expect.anything(), expect.anything()],
    },
    flows: [],
  });
  expect(await install()).toMatchObject({ status: 200, body: { watch: { state: "on" } } });
  const flowId = await publishedFlow(ctx, follow());
  expect((await api.ask("GET", query)).body).toMatchObject({
    watch: { state: "on" },
    flows: [{ id: flowId, name: "Stock" }],
  });
  const refused = await api.ask("DELETE", query, { token: api.tokens.builder });
  expect(refused).toMatchObject({ status: 409, body: { error: { code: "watch-in-use" } } });
  await removeFlow(ctx, flowId);
  expect((await api.ask("GET", query)).body).toMatchObject({ watch: { state: "off" } }); // it left with the flow
  await install();
  expect((await api.ask("DELETE", query, { token: api.tokens.builder })).status).toBe(200);
  expect((await api.ask("GET", query)).body).toMatchObject({ watch: { state: "off" } });
  const { rows } = await database.pool.query("SELECT action FROM audit WHERE subject = $1 ORDER BY id", [connection]);
  expect(rows.map(({ action }) => action).slice(-2)).toEqual(["connection.watch", "connection.unwatch"]);
  expect((await api.ask("POST", at(), { body: { stream: "nothing" } })).status).toBe(422);
  await shop.query("CREATE VIEW seen AS SELECT 1 AS one");
  expect((await api.ask("GET", `${at()}?stream=seen`)).body).toMatchObject({
    watch: { state: "impossible" },
    plan: null,
  });
  await shop.query("DROP VIEW seen");
});

test("a flow that follows changes says so before and after somebody looked", async () => {
  const flowId = await publishedFlow(ctx, follow());
  expect((await getFlow(ctx, flowId)).validation.notes).toMatchObject([
    { step: "stock", message: expect.stringContaining("Until then it is read in full every 5m") },
  ]);
  expect(await flowState(ctx, flowId)).toMatchObject({ watching: { live: null, note: null }, nextRunAt: null });
  expect((await listFlows(ctx))[0]).toMatchObject({ timing: "as records change" });
  await database.pool.query(
    "UPDATE flow_watch SET live = false, note = 'Not installed.', next_at = now() + interval '1 minute'",
  );
  expect(await flowState(ctx, flowId)).toMatchObject({
    watching: { live: false, note: "Not installed." },
    nextRunAt: expect.stringContaining("T"),
  });
  expect((await listFlows(ctx))[0]).toMatchObject({ timing: "every 5 minutes, as changes are not recorded" });
  await database.pool.query("UPDATE flow_watch SET live = true, note = NULL, next_at = NULL");
  await runFlow(database, ctx, flowId);
  expect((await listFlows(ctx))[0]).toMatchObject({
    timing: "as records change",
    health: "ok",
    healthText: "Live: it waits for the next change. The last run wrote 3 records.",
  });
  expect(await database.db.schedule.count({ where: { flowId } })).toBe(0);
});

test("runs read what changed since the one before; a failing record is a dead letter, and not read again", async () => {
  await install();
  const flowId = await publishedFlow(ctx, follow());
  expect(await countsOf(await runFlow(database, ctx, flowId))).toMatchObject({ read: 3, created: 3 });
  expect(await countsOf(await runFlow(database, ctx, flowId))).toMatchObject({ state: "succeeded", read: 0 });
  await shop.query("UPDATE stock SET level = 5000 WHERE id = 1; UPDATE stock SET level = 20 WHERE id = 2");
  expect(await countsOf(await runFlow(database, ctx, flowId))).toMatchObject({
    state: "succeeded_with_errors",
    ...{ read: 2, updated: 1, dead: 1 },
  });
  expect(await countsOf(await runFlow(database, ctx, flowId))).toMatchObject({ read: 0 });
});

test("a dry run looks at all records and moves nothing; a backfill reads a range and moves nothing", async () => {
  await install();
  const flowId = await publishedFlow(ctx, follow({ watermark: "seen_at" }));
  expect(await countsOf(await runFlow(database, ctx, flowId, { mode: "dry" }))).toMatchObject({ read: 3, created: 3 });
  expect(await countsOf(await runFlow(database, ctx, flowId))).toMatchObject({ read: 3, created: 3 });
  await shop.query("UPDATE stock SET level = 9, seen_at = '2020-01-01' WHERE id = 3");
  const backfill = { until: "2020-06-01T00:00:00Z" };
  expect(await countsOf(await runFlow(database, ctx, flowId, { backfill }))).toMatchObject({ read: 1, updated: 1 });
  expect(await countsOf(await runFlow(database, ctx, flowId))).toMatchObject({ read: 1, unchanged: 1 });
});

test("a step that follows another stream, or is changed to follow at all, begins anew", async () => {
  await install();
  const flowId = await publishedFlow(ctx, follow({ sync: "incremental", watermark: "seen_at" }));
  expect(await countsOf(await runFlow(database, ctx, flowId))).toMatchObject({ read: 3, created: 3 });
  await api.ask("PUT", `/flows/${flowId}`, { body: follow() });
  expect((await api.ask("POST", `/flows/${flowId}/publish`, { body: { note: "follows" } })).status).toBe(200);
  expect(await countsOf(await runFlow(database, ctx, flowId))).toMatchObject({ read: 3, unchanged: 3 });
  await api.ask("PUT", `/flows/${flowId}`, { body: follow({ sync: "incremental", watermark: "seen_at" }) });
  await api.ask("POST", `/flows/${flowId}/publish`, { body: { note: "back" } });
  expect(await countsOf(await runFlow(database, ctx, flowId))).toMatchObject({ read: 3, unchanged: 3 });
});

test("one run at a time: another starts by itself only when that has ended, and none of a stopped flow", async () => {
  await install();
  const flowId = await publishedFlow(ctx, follow());
  const runId = await startChangesRun(database.pool, flowId);
  expect(runId).not.toBeNull();
  expect(await startChangesRun(database.pool, flowId)).toBeNull();
  await runToEnd(database, runId as string);
  expect(await countsOf(runId as string)).toMatchObject({ state: "succeeded", read: 3 });
  await pauseFlow(ctx, flowId);
  expect(await startChangesRun(database.pool, flowId)).toBeNull();
});

test("after failed runs the next ones come further apart, until the flow is published again or one goes well", async () => {
  await install();
  const flowId = await publishedFlow(ctx, follow());
  const run = async (state: string, ago: string) => {
    const id = await startChangesRun(database.pool, flowId);
    await database.pool.query("UPDATE run SET state = $2, finished_at = now() - $3::interval WHERE id = $1", [
      id,
      state,
      ago,
    ]);
    return id;
  };
  const rested = (ago: string) =>
    database.pool.query("UPDATE run SET finished_at = now() - $2::interval WHERE flow_id = $1", [flowId, ago]);
  const next = () => startChangesRun(database.pool, flowId);
  for (const [pause, notYet] of [
    ["6 s", "3 s"],
    ["21 s", "18 s"],
    ["81 s", "78 s"],
  ] as const) {
    expect(await run("failed", notYet)).not.toBeNull();
    expect(await next()).toBeNull();
    await rested(pause);
  }
  await api.ask("POST", `/flows/${flowId}/publish`, { body: { note: "as before" } });
  expect(await run("cancelled", "58 s")).not.toBeNull();
  expect(await next()).toBeNull(); // a person has a minute
  await rested("61 s");
  expect(await run("failed", "18 s")).not.toBeNull();
  expect(await next()).toBeNull();
  await api.ask("POST", `/flows/${flowId}/publish`, { body: { note: "mended" } });
  expect(await run("succeeded", "0 s")).not.toBeNull();
  expect(await startChangesRun(database.pool, flowId)).not.toBeNull();
});

test("a connection is followed by one process that is alive", async () => {
  const alive = (id: string, ago = "0 s") =>
    database.pool.query(
      `INSERT INTO process (id, role, pid, host, version, pool_ids, seen_at) VALUES ($1, 'worker', 1, 'h', 'v', '{}', now() - $2::interval)
       ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`,
      [id, ago],
    );
  await alive("worker_a");
  await alive("worker_b");
  const take = async (worker: string) => [...(await takeWatchLeases(database.pool, [connection], worker))];
  expect(await take("worker_a")).toEqual([connection]);
  expect(await take("worker_b")).toEqual([]);
  expect(await take("worker_a")).toEqual([connection]);
  await alive("worker_a", "20 s"); // it died
  expect(await take("worker_b")).toEqual([connection]);
  await alive("worker_a");
  expect(await take("worker_a")).toEqual([]);
  await giveWatchLease(database.pool, connection, "worker_b");
  expect(await take("worker_a")).toEqual([connection]);
});

describe("a recorder nobody follows any more", () => {
  /** What is installed in the source: triggers, functions and tables. */
  const installed = async () =>
    (
      await shop.query<{ name: string }>(
        `SELECT tgname AS name FROM pg_trigger WHERE tgname LIKE 'plumbline%' UNION ALL SELECT proname FROM pg_proc WHERE proname LIKE 'plumbline%'
         UNION ALL SELECT relname FROM pg_class WHERE relname LIKE 'plumbline%' AND relkind = 'r'`,
      )
    ).rows.map(({ name }) => name);

  test("leaves the source with the last flow that follows it, and not before", async () => {
    await install();
    const first = await publishedFlow(ctx, follow());
    const second = await publishedFlow(ctx, { ...follow(), name: "Stock again" });
    expect(await removeFlow(ctx, first)).toEqual({ ok: true });
    expect(await installed()).not.toEqual([]);
    expect(await removeFlow(ctx, second)).toEqual({ ok: true });
    expect(await installed()).toEqual([]);
  });

  test("leaves the source with the version that followed it", async () => {
    await install();
    const flowId = await publishedFlow(ctx, follow());
    await api.ask("POST", `/flows/${flowId}/publish`, { body: { note: "the same" } });
    expect(await installed()).not.toEqual([]);
    await api.ask("PUT", `/flows/${flowId}`, { body: follow({ sync: "full" }) });
    expect((await api.ask("POST", `/flows/${flowId}/publish`, { body: { note: "in full" } })).body).not.toHaveProperty(
      "recorders",
    );
    expect(await installed()).toEqual([]);
  });

  test("leaves the source with the connection by which it was installed", async () => {
    const other = await connectDatabase(ctx, "Shop too", remote.url);
    await api.ask("POST", place.replace(":id", other), { body: { stream: "stock" } });
    expect(await installed()).not.toEqual([]);
    expect(await removeConnection(ctx, { id: other })).toEqual({ ok: true });
    expect(await installed()).toEqual([]);
    await install();
    const third = await connectDatabase(ctx, "Shop three", remote.url);
    expect(await removeConnection(ctx, { id: third })).toEqual({ ok: true });
    expect(await installed()).not.toEqual([]); // it has installed nothing
  });

  test("stays while another installation reads it", async () => {
    await install();
    const flowId = await publishedFlow(ctx, follow());
    await shop.query(
      "INSERT INTO plumbline_reader (watch, owner, id, position) SELECT id, 'con_elsewhere', 'flow', pg_current_snapshot() FROM plumbline_watch",
    );
    expect(await removeFlow(ctx, flowId)).toEqual({ ok: true });
    expect(await installed()).not.toEqual([]);
  });

  test("that cannot be taken out is told of, with a script that takes all of it out", async () => {
    await install();
    const flowId = await publishedFlow(ctx, follow());
    const busy = new pg.Client({ connectionString: remote.url });
    await busy.connect();
    await busy.query("BEGIN; LOCK TABLE stock IN ACCESS SHARE MODE");
    const began = Date.now();
    const { recorders } = await removeFlow(ctx, flowId);
    expect(Date.now() - began).toBeLessThan(8_000); // who writes to the table has waited behind it
    expect(recorders).toEqual([
      { connection: "Shop", stream: "stock", message: expect.stringContaining("in use"), script: expect.any(String) },
    ]);
    await busy.query("ROLLBACK");
    await busy.end();
    expect(await installed()).not.toEqual([]);
    await shop.query(recorders![0]!.script);
    expect(await installed()).toEqual([]);
  });
});
