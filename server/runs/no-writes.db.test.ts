import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LimitedDisk, limitedDisk } from "../../connectors/testing/limited-disk.ts";
import { createTestDatabase, queryDatabase, type TestDatabase } from "../../connectors/testing/postgres-database.ts";
import { createConnection } from "../connections/change-connections.ts";
import { type FlowWorld, flowWorld } from "../testing/flow-world.ts";
import { connectDatabase, publishedFlow, runToEnd, TEST_BRIEF } from "../testing/flows.ts";
import { getRunDetail } from "./get-run.ts";
import { startRun } from "./start-run.ts";

/** Targets that answer and take nothing: somebody has to make space, or to make them writable. */
const ROWS = 2_000;
let world: FlowWorld;

beforeAll(async () => {
  world = await flowWorld("no_writes");
  await world.client.query("CREATE TABLE orders (id int PRIMARY KEY, name text NOT NULL)");
  await world.client.query(
    `INSERT INTO orders SELECT i, 'order ' || i || repeat(md5(i::text), 30) FROM generate_series(1, ${ROWS}) i`,
  );
});
afterAll(() => world.end());

const flow = (connection: string, write: object) => ({
  format: "plumbline/1",
  name: `Into ${connection}`,
  brief: TEST_BRIEF,
  steps: [
    { id: "orders", kind: "read", connection: "Shop", stream: "orders", sync: "full" },
    { id: "write", kind: "write", connection, ...write },
  ],
  links: [{ from: "orders", to: "write" }],
  settings: { pageSize: 100, retry: { attempts: 1, for: "1m" } },
});
const upsert = { sink: "orders", operation: "upsert", match: ["id"] };

/** What the run waits for, after it has tried more often than its attempts allow. */
async function stillWaits(runId: string, code: string, words: RegExp): Promise<void> {
  for (let again = 0; again < 3; again++) {
    await world.database.pool.query("UPDATE run SET resume_at = now() - interval '1 second' WHERE id = $1", [runId]);
    await runToEnd(world.database, runId);
  }
  const { rows } = await world.database.pool.query(
    `SELECT r.state, r.wait_reason AS reason, r.failures, r.error->>'code' AS code, r.error->>'message' AS message,
       c.state AS connection, extract(epoch FROM r.resume_at - now())::int AS seconds
     FROM run r LEFT JOIN connection c ON c.id = r.wait_connection WHERE r.id = $1`,
    [runId],
  );
  expect(rows[0]).toMatchObject({ state: "waiting", reason: "retry", failures: 0, code, connection: "unreachable" });
  expect(rows[0].message).toMatch(words);
  expect(rows[0].seconds).toBeGreaterThan(15);
  const { counts } = await getRunDetail(world.ctx, runId);
  expect(counts.dead).toBe(0);
}

/** Its time has come again, and now it can write. */
async function goesOn(runId: string, rows: number): Promise<void> {
  await world.database.pool.query("UPDATE run SET resume_at = now() - interval '1 second' WHERE id = $1", [runId]);
  await runToEnd(world.database, runId);
  const { state, counts, balanced } = await getRunDetail(world.ctx, runId);
  expect({ state, balanced }).toEqual({ state: "succeeded", balanced: true });
  expect(counts).toMatchObject({ read: rows, created: rows, held: 0, dead: 0 });
  const ledger = await world.database.pool.query(
    "SELECT count(*)::int AS rows, count(DISTINCT record_key)::int AS keys FROM change WHERE run_id = $1 AND state = 'done'",
    [runId],
  );
  expect(ledger.rows).toEqual([{ rows, keys: rows }]);
  const connection = await world.database.pool.query(
    "SELECT c.state FROM run r JOIN connection c ON c.id = r.wait_connection WHERE r.id = $1",
    [runId],
  );
  expect(connection.rows).toEqual([{ state: "ok" }]);
}

it("a target that is read-only for a while costs no attempt and no record", async () => {
  const target: TestDatabase = await createTestDatabase("no_writes_readonly");
  try {
    await queryDatabase(target, "CREATE TABLE orders (id int PRIMARY KEY, name text)");
    await connectDatabase(world.ctx, "Standby", target.url);
    const flowId = await publishedFlow(world.ctx, flow("Standby", upsert));
    await queryDatabase(target, `ALTER DATABASE ${target.database} SET default_transaction_read_only = on`);
    await queryDatabase(
      target,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    const { id } = await startRun(world.ctx, { flowId, mode: "live" });
    await runToEnd(world.database, id);
    await stillWaits(id, "read-only", /read-only.*primary server.*make it writable/);
    await queryDatabase(world.remote, `ALTER DATABASE ${target.database} RESET default_transaction_read_only`);
    await queryDatabase(
      world.remote,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${target.database}'`,
    );
    await goesOn(id, ROWS);
    expect(await queryDatabase(target, "SELECT count(*)::int AS n FROM orders")).toEqual([{ n: ROWS }]);
  } finally {
    await target.drop();
  }
}, 120_000);

it("a target that says it has no space left (507) costs no attempt and no record", async () => {
  const taken: number[] = [];
  let full = false;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (full || request.method !== "POST") return void response.writeHead(full ? 507 : 404).end();
    taken.push(JSON.parse(Buffer.concat(chunks).toString()).id);
    full = taken.length === 30;
    response.writeHead(201, { "content-type": "application/json" }).end("{}");
  }).listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sinks = [{ name: "invoices", key: [], create: { path: "/invoices" } }];
  await createConnection(world.ctx, { name: "Full books", connector: "http", settings: { baseUrl, sinks } });
  const flowId = await publishedFlow(world.ctx, flow("Full books", { sink: "invoices", operation: "insert" }));
  const { id } = await startRun(world.ctx, { flowId, mode: "live", limit: 80 });
  await runToEnd(world.database, id);
  await stillWaits(id, "disk-full", /no space left.*Free space/);
  full = false;
  await goesOn(id, 80);
  server.close();
  expect(taken).toHaveLength(80);
  expect(new Set(taken).size).toBe(80);
}, 120_000);

describe("a target whose disk is full", () => {
  let disk: LimitedDisk | undefined;
  beforeAll(async () => {
    disk = await limitedDisk("no_writes", 32);
  }, 60_000);
  afterAll(() => disk?.end(), 60_000);

  it("costs no attempt and no record, and goes on where it was once there is space", async (test) => {
    if (!disk) return test.skip("a small disk can only be made as root on Linux, where mounting is allowed");
    const target = await disk.database("full_target");
    await queryDatabase(target, "CREATE TABLE orders (id int PRIMARY KEY, name text)");
    await connectDatabase(world.ctx, "Full", target.url);
    const flowId = await publishedFlow(world.ctx, flow("Full", upsert));
    disk.fill(600 * 1024);
    const { id } = await startRun(world.ctx, { flowId, mode: "live" });
    await runToEnd(world.database, id);
    const [before] = await queryDatabase<{ n: number }>(target, "SELECT count(*)::int AS n FROM orders");
    expect(before!.n).toBeLessThan(ROWS);
    await stillWaits(id, "disk-full", /disk is full.*Free space there/);
    disk.free();
    await goesOn(id, ROWS);
    expect(await queryDatabase(target, "SELECT count(*)::int AS n FROM orders")).toEqual([{ n: ROWS }]);
  }, 120_000);
});
