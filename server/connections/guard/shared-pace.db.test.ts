import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createPace, type Pace } from "../../../connectors/sdk/http-pace.ts";
import type { PaceLimits } from "../../../connectors/sdk/pacing.ts";
import { testContext } from "../../testing/context.ts";
import { type TestDatabase, testDatabase } from "../../testing/database.ts";
import { createConnection } from "../change-connections.ts";
import { SharedPace } from "./shared-pace.ts";

/** Two stores of one row, as two worker processes have them. */
let database: TestDatabase;
let queries = 0;
beforeAll(async () => {
  vi.stubEnv("PLUMBLINE_SECRET_KEY", Buffer.alloc(32, 4).toString("base64"));
  database = await testDatabase("pace");
});
afterAll(() => database.drop());

let count = 0;
async function twoWorkers(limits: PaceLimits): Promise<{ paces: [Pace, Pace]; stores: [SharedPace, SharedPace] }> {
  const ctx = await testContext(database);
  const settings = { host: "127.0.0.1", port: 1, database: "x", schema: "public", ssl: "disable" };
  const { id } = await createConnection(ctx, {
    name: `Limited ${++count}`,
    connector: "postgres",
    settings,
    credentials: { user: "u", password: "p" },
  });
  const counted = new Proxy(database.pool, {
    get(pool, name) {
      if (name === "query") queries++;
      const value = Reflect.get(pool, name);
      return typeof value === "function" ? value.bind(pool) : value;
    },
  });
  const make = async () => {
    const store = new SharedPace(id);
    await store.bind(counted);
    return store;
  };
  const stores: [SharedPace, SharedPace] = [await make(), await make()];
  return { stores, paces: [createPace(stores[0], { limits }), createPace(stores[1], { limits })] };
}

/** Requests that both get within the time, by four senders each; what is under way at once is noted. */
async function sendFor(ms: number, paces: Pace[], takesMs = 1) {
  const sent = paces.map(() => 0);
  let under = 0;
  let most = 0;
  const until = Date.now() + ms;
  const senders = paces.flatMap((pace, worker) =>
    Array.from({ length: 4 }, async () => {
      while (Date.now() < until) {
        await pace.turn();
        most = Math.max(most, ++under);
        await new Promise((done) => setTimeout(done, takesMs));
        under--;
        pace.accepted();
        pace.done();
        sent[worker] = (sent[worker] ?? 0) + 1;
      }
    }),
  );
  await Promise.all(senders);
  return { sent, most, all: sent.reduce((sum, one) => sum + one, 0) };
}

it("a rate someone set is kept by all workers together, with few questions to the database", async () => {
  const { paces } = await twoWorkers({ perSecond: 100 });
  queries = 0;
  const { sent, all } = await sendFor(3_000, paces);
  expect(all).toBeGreaterThan(240);
  expect(all).toBeLessThan(335);
  expect(Math.min(...sent)).toBeGreaterThan(60);
  expect(queries).toBeLessThan(all / 2);
});

it("what one worker learns from a refusal, the others know", async () => {
  const { paces, stores } = await twoWorkers({});
  queries = 0;
  await sendFor(200, paces);
  expect(queries).toBeLessThan(5); // without a limit, nobody asks
  await paces[0].limited(Date.now(), 600);
  await vi.waitUntil(() => stores[1].last().rate !== null, { timeout: 3_000, interval: 20 });
  expect(stores[1].last().rate).toBe(stores[0].last().rate);
  expect(stores[1].last().blockedUntil).toBe(stores[0].last().blockedUntil);
});

it("requests at once are shared, and turns are taken where there is only one", async () => {
  const { paces } = await twoWorkers({ concurrent: 1 });
  const { sent, most } = await sendFor(8_000, paces, 10);
  expect(most).toBe(1);
  expect(Math.min(...sent)).toBeGreaterThan(50);
}, 30_000);

it("is found by a worker that meets a connection in the moment another one does", async () => {
  const ctx = await testContext(database);
  const { id } = await createConnection(ctx, {
    name: "Met at once",
    connector: "postgres",
    settings: { host: "127.0.0.1", port: 1, database: "x", schema: "public", ssl: "disable" },
    credentials: { user: "u", password: "p" },
  });
  const other = await database.pool.connect();
  try {
    await other.query("BEGIN");
    await other.query("INSERT INTO connection_guard (connection_id, workspace_id) VALUES ($1, $2)", [
      id,
      ctx.workspaceId,
    ]);
    const bound = new SharedPace(id).bind(database.pool);
    const waits = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
      AND query LIKE '%INSERT INTO connection_guard%'`;
    await vi.waitUntil(async () => (await database.pool.query(waits)).rowCount === 1, { timeout: 10_000 });
    await other.query("COMMIT");
    await expect(bound).resolves.toBeUndefined();
  } finally {
    other.release();
  }
});
