/** Flows that follow a table as it changes, with real worker processes that are really killed. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase as RemoteDatabase } from "../connectors/testing/postgres-database.ts";
import { calm } from "../connectors/testing/sessions.ts";
import { withSession } from "../server/connections/open-connection.ts";
import { closeSessions } from "../server/connections/session-pool.ts";
import type { ServerContext } from "../server/context.ts";
import { flowState } from "../server/flows/flow-state.ts";
import { listFlows } from "../server/flows/list-flows.ts";
import { pauseFlow } from "../server/flows/pause-flow.ts";
import { removeFlow } from "../server/flows/remove-flow.ts";
import { resumeFlow } from "../server/flows/resume-flow.ts";
import { Cable } from "../server/testing/cable.ts";
import { testContext } from "../server/testing/context.ts";
import { type TestDatabase, testDatabase } from "../server/testing/database.ts";
import { connectDatabase, publishedFlow, TEST_BRIEF } from "../server/testing/flows.ts";
import { killProcess, killWorkers, startWorker } from "./testing/worker-process.ts";

const CHANNELS = ["amazon", "ebay", "shop"];

let database: TestDatabase;
let source: RemoteDatabase;
let target: RemoteDatabase;
let ctx: ServerContext;
let from: pg.Client;
let to: pg.Client;

beforeAll(async () => {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 5).toString("base64"));
  vi.stubEnv("PLUMBLINE_ALLOW_PRIVATE_NETWORK", "true");
  database = await testDatabase("live");
  source = await createTestDatabase("live_source");
  target = await createTestDatabase("live_target");
  ctx = await testContext(database);
  from = new pg.Client({ connectionString: source.url });
  to = new pg.Client({ connectionString: target.url });
  await from.connect();
  await to.connect();
  for (const channel of CHANNELS)
    await to.query(`CREATE TABLE ${channel} (sku text PRIMARY KEY, level int NOT NULL, writes int NOT NULL DEFAULT 1)`);
  await connectDatabase(ctx, "Inventory", source.url);
  await connectDatabase(ctx, "Channels", target.url);
});

afterEach(async () => {
  await killWorkers();
  const { rows } = await database.pool.query<{ id: string }>("SELECT id FROM flow WHERE deleted_at IS NULL");
  for (const { id } of rows) await removeFlow(ctx, id);
  for (const channel of CHANNELS) await to.query(`TRUNCATE ${channel}`);
});

afterAll(async () => {
  await closeSessions();
  await from?.end();
  await to?.end();
  await database.drop();
  await source.drop();
  await target.drop();
});

async function stock(rows: number): Promise<void> {
  await from.query("DROP TABLE IF EXISTS stock CASCADE");
  await from.query("CREATE TABLE stock (id int PRIMARY KEY, sku text NOT NULL UNIQUE, level int NOT NULL)");
  await from.query("INSERT INTO stock SELECT i, 'S' || i, i FROM generate_series(1, $1::int) i", [rows]);
}

const install = () => withSession(ctx, "Inventory", (session) => session.watching!.install("stock", calm()));

/** Stock changes go to a channel; with `deletes`, what is gone there goes here. */
const follow = (channel: string, read: object = {}) => {
  const fields = [
    { to: "sku", from: "sku" },
    { to: "level", from: "level" },
  ];
  const place = { connection: "Channels", sink: channel, match: ["sku"] };
  return {
    format: "plumbline/1",
    name: `Stock to ${channel}`,
    brief: TEST_BRIEF,
    steps: [
      {
        id: "stock",
        kind: "read",
        connection: "Inventory",
        stream: "stock",
        sync: "changes",
        deletes: "pass",
        operationField: "change",
        ...read,
      },
      { id: "gone", kind: "branch", branches: [{ port: "gone", where: 'change = "delete"' }] },
      { id: "map", kind: "map", fields },
      { id: "write", kind: "write", ...place, operation: "upsert" },
      { id: "key", kind: "map", fields: fields.slice(0, 1) },
      { id: "remove", kind: "write", ...place, operation: "delete" },
    ],
    links: [
      { from: "stock", to: "gone" },
      { from: "gone", to: "map", port: "else" },
      { from: "map", to: "write" },
      { from: "gone", to: "key", port: "gone" },
      { from: "key", to: "remove" },
    ],
  };
};

const levels = async (channel: string) =>
  (await to.query<{ sku: string; level: number }>(`SELECT sku, level FROM ${channel} ORDER BY sku`)).rows.map(
    ({ sku, level }) => `${sku}=${level}`,
  );

const runsOf = async (flowId: string) =>
  (
    await database.pool.query<{ state: string; trigger: string; read: number }>(
      "SELECT state, trigger, read::int, created::int, updated::int, deleted::int, unchanged::int, error FROM run WHERE flow_id = $1 ORDER BY id",
      [flowId],
    )
  ).rows;

const wait = { timeout: 60_000, interval: 20 };

test("one stock change reaches three channels, and a deleted article leaves them", async () => {
  await stock(3);
  await install();
  const flows = await Promise.all(CHANNELS.map((channel) => publishedFlow(ctx, follow(channel))));
  startWorker(database.url);
  for (const channel of CHANNELS) await expect.poll(() => levels(channel), wait).toEqual(["S1=1", "S2=2", "S3=3"]);
  await expect.poll(async () => (await flowState(ctx, flows[0]!)).watching, wait).toMatchObject({ live: true });

  await from.query("UPDATE stock SET level = 42 WHERE id = 2");
  for (const channel of CHANNELS) await expect.poll(() => levels(channel), wait).toEqual(["S1=1", "S2=42", "S3=3"]);
  await from.query("DELETE FROM stock WHERE id = 1");
  for (const channel of CHANNELS) await expect.poll(() => levels(channel), wait).toEqual(["S2=42", "S3=3"]);
  for (const flowId of flows) {
    await expect
      .poll(async () => (await runsOf(flowId)).at(-1), wait)
      .toMatchObject({ state: "succeeded", deleted: 1 });
    const runs = await runsOf(flowId);
    expect(runs.map(({ read, trigger }) => `${trigger} ${read}`)).toEqual(["changes 3", "changes 1", "changes 1"]);
  }
}, 120_000);

test("a change published to a topic reaches three flows that listen to it", async () => {
  await stock(2);
  await install();
  await publishedFlow(ctx, {
    ...follow("amazon"),
    name: "Stock to topic",
    steps: [
      { id: "stock", kind: "read", connection: "Inventory", stream: "stock", sync: "changes", existing: "skip" },
      { id: "tell", kind: "publish", topic: "stock", type: "stock.changed" },
    ],
    links: [{ from: "stock", to: "tell" }],
  });
  for (const channel of CHANNELS)
    await publishedFlow(ctx, {
      format: "plumbline/1",
      name: `Topic to ${channel}`,
      brief: TEST_BRIEF,
      steps: [
        { id: "changed", kind: "event", topic: "stock" },
        {
          id: "map",
          kind: "map",
          fields: [
            { to: "sku", from: "sku" },
            { to: "level", from: "level" },
          ],
        },
        { id: "write", kind: "write", connection: "Channels", sink: channel, operation: "upsert", match: ["sku"] },
      ],
      links: [
        { from: "changed", to: "map" },
        { from: "map", to: "write" },
      ],
    });
  startWorker(database.url);
  const [flow] = (await database.pool.query("SELECT id FROM flow WHERE name = 'Stock to topic'")).rows;
  await expect.poll(async () => (await runsOf(flow.id)).at(-1)?.state, wait).toBe("succeeded");
  await from.query("UPDATE stock SET level = 7 WHERE id = 1");
  for (const channel of CHANNELS) await expect.poll(() => levels(channel), wait).toEqual(["S1=7"]);
}, 120_000);

test("whatever is killed while writers go on, each channel ends as the table is", async () => {
  await stock(200);
  await install();
  const flowId = await publishedFlow(ctx, { ...follow("shop"), settings: { pageSize: 20 } });
  let worker = startWorker(database.url);
  await expect.poll(async () => (await levels("shop")).length, wait).toBe(200);
  let over = false;
  const writing = (async () => {
    for (let times = 0; !over; times++) {
      const id = 1 + ((times * 37) % 200);
      if (times % 10 === 9) await from.query("DELETE FROM stock WHERE id = $1", [id]);
      else if (times % 10 === 4) await from.query("UPDATE stock SET level = level + 1 WHERE id % 3 = 0");
      else
        await from.query(
          "INSERT INTO stock VALUES ($1, 'S' || $1::int, $2) ON CONFLICT (id) DO UPDATE SET level = excluded.level",
          [id, times],
        );
      await new Promise((done) => setTimeout(done, 5));
    }
  })();
  for (let kills = 0; kills < 3; kills++) {
    await new Promise((done) => setTimeout(done, 1_500));
    await killProcess(worker);
    worker = startWorker(database.url, { PLUMBLINE_FORMER_PID: String(worker.pid) });
  }
  await new Promise((done) => setTimeout(done, 1_000));
  over = true;
  await writing;
  const { rows } = await from.query('SELECT sku, level FROM stock ORDER BY sku COLLATE "C"');
  const wanted = rows.map(({ sku, level }) => `${sku}=${level}`).toSorted();
  await expect.poll(async () => (await levels("shop")).toSorted(), wait).toEqual(wanted);
  await expect.poll(async () => (await runsOf(flowId)).every(({ state }) => state === "succeeded"), wait).toBe(true);
}, 180_000);

test("a connection that breaks again and again, and a second worker, change nothing", async () => {
  await stock(50);
  await install();
  const flowId = await publishedFlow(ctx, follow("amazon"));
  startWorker(database.url);
  startWorker(database.url);
  await expect.poll(async () => (await levels("amazon")).length, wait).toBe(50);
  for (let round = 1; round <= 6; round++) {
    await from.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'plumbline'",
    );
    await from.query("UPDATE stock SET level = level + 1000 WHERE id % 6 = $1", [round % 6]);
  }
  const { rows } = await from.query("SELECT sku, level FROM stock");
  const wanted = rows.map(({ sku, level }) => `${sku}=${level}`).toSorted();
  await expect.poll(async () => (await levels("amazon")).toSorted(), wait).toEqual(wanted);
  await expect.poll(async () => (await runsOf(flowId)).every(({ state }) => state === "succeeded"), wait).toBe(true);
  const runs = await runsOf(flowId);
  expect(runs.reduce((sum, { read }) => sum + read, 0)).toBe(100); // each change once
}, 120_000);

test("a source that is down costs no attempts: what changed meanwhile arrives when it is back, without anybody", async () => {
  await stock(5);
  await install();
  const cable = new Cable(source.url);
  await cable.mend();
  await connectDatabase(ctx, "Far inventory", cable.url(source.url));
  const flowId = await publishedFlow(ctx, follow("amazon", { connection: "Far inventory" }));
  startWorker(database.url);
  await expect.poll(async () => (await levels("amazon")).length, wait).toBe(5);
  const guard = async () =>
    (
      await database.pool.query<{ state: string }>(
        "SELECT g.state FROM connection_guard g JOIN connection c ON c.id = g.connection_id WHERE c.name = 'Far inventory'",
      )
    ).rows[0]?.state;
  const health = async () => (await listFlows(ctx)).find(({ id }) => id === flowId)?.health;
  cable.cut();
  await from.query("UPDATE stock SET level = level + 100");
  await expect.poll(guard, wait).toBe("open");
  expect(await health()).toBe("waiting");
  await sleep(6_000); // longer than several looks
  const failed = async () =>
    (await database.pool.query("SELECT FROM run WHERE flow_id = $1 AND (failures > 0 OR state = 'failed')", [flowId]))
      .rowCount;
  expect(await failed()).toBe(0);
  await cable.mend();
  await expect.poll(async () => (await levels("amazon"))[0], wait).toBe("S1=101");
  await expect.poll(guard, wait).toBe("closed");
  await expect.poll(async () => (await runsOf(flowId)).every(({ state }) => state === "succeeded"), wait).toBe(true);
  expect(await failed()).toBe(0);
  await killWorkers();
  cable.cut();
}, 120_000);

test("a paused flow keeps its place, and what changed meanwhile arrives when it is resumed", async () => {
  await stock(2);
  await install();
  const flowId = await publishedFlow(ctx, follow("ebay"));
  startWorker(database.url);
  await expect.poll(() => levels("ebay"), wait).toEqual(["S1=1", "S2=2"]);
  await pauseFlow(ctx, flowId);
  await from.query("UPDATE stock SET level = 10 WHERE id = 1");
  await from.query("UPDATE stock SET level = 11 WHERE id = 1");
  await new Promise((done) => setTimeout(done, 1_000));
  expect(await levels("ebay")).toEqual(["S1=1", "S2=2"]);
  await resumeFlow(ctx, flowId);
  await expect.poll(() => levels("ebay"), wait).toEqual(["S1=11", "S2=2"]);
  await expect.poll(async () => (await runsOf(flowId)).map(({ read }) => read), wait).toEqual([2, 1]);
}, 120_000);

test("where nothing records the changes it is looked at every so often, and says so; installed, it is live", async () => {
  await stock(2);
  const flowId = await publishedFlow(ctx, follow("ebay", { every: "1s" }));
  startWorker(database.url);
  await expect.poll(() => levels("ebay"), wait).toEqual(["S1=1", "S2=2"]);
  await from.query("UPDATE stock SET level = 5 WHERE id = 1");
  await expect.poll(() => levels("ebay"), wait).toEqual(["S1=5", "S2=2"]);
  const state = await flowState(ctx, flowId);
  expect(state.watching).toMatchObject({ live: false, note: expect.stringContaining("not installed") });
  await install();
  await expect.poll(async () => (await flowState(ctx, flowId)).watching?.live, wait).toBe(true);
  await from.query("DELETE FROM stock WHERE id = 2");
  await expect.poll(() => levels("ebay"), wait).toEqual(["S1=5"]);
  await from.query("DROP TRIGGER plumbline_update ON stock"); // somebody tidies up
  await expect.poll(async () => (await flowState(ctx, flowId)).watching?.live, wait).toBe(false);
  await from.query("UPDATE stock SET level = 6 WHERE id = 1");
  await expect.poll(() => levels("ebay"), wait).toEqual(["S1=6"]);
}, 120_000);
