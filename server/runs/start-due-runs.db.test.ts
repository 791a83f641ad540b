import { afterAll, beforeAll, expect, it } from "vitest";
import type { ServerContext } from "../context.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { TEST_BRIEF } from "../testing/flows.ts";
import { startDueRuns } from "./start-due-runs.ts";

let database: TestDatabase;
let ctx: ServerContext;
beforeAll(async () => {
  database = await testDatabase("due");
  ctx = await testContext(database);
});
afterAll(() => database.drop());

let count = 0;
/** A flow that is due every minute. */
async function dueFlow(settings: object): Promise<string> {
  const id = `flw_due_${++count}`;
  const { db, workspaceId } = ctx;
  const document = {
    format: "plumbline/1",
    name: id,
    brief: TEST_BRIEF,
    steps: [{ id: "orders", kind: "read", connection: "Shop", stream: "orders", every: "1m" }],
    links: [],
    settings,
  };
  await db.flow.create({ data: { id, workspaceId, name: id, hookKey: id, liveVersion: 1, createdBy: "test" } });
  await db.flowVersion.create({
    data: { flowId: id, version: 1, workspaceId, document, note: "", publishedBy: "test" },
  });
  const timing = { kind: "every", every: "1m" };
  await db.schedule.create({ data: { flowId: id, workspaceId, timing, nextRunAt: new Date(Date.now() - 1000) } });
  return id;
}

const minutes = (number: number) => new Date(Date.now() + number * 60_000 + 1_000);
async function history(flowId: string) {
  const { rows } = await database.pool.query(
    "SELECT state, error->>'code' AS code, request->>'skipped' AS skipped FROM run WHERE flow_id = $1 ORDER BY id",
    [flowId],
  );
  return rows.map(({ state, code, skipped }) => (code === null ? state : `${state} ${code} ${skipped}`));
}

it("starts what is due once, whatever number of workers looks", async () => {
  const flowId = await dueFlow({});
  const started = await Promise.all([1, 2, 3, 4].map(() => startDueRuns(database.pool)));
  expect(started.flat()).toHaveLength(1);
  expect(await history(flowId)).toEqual(["queued"]);
});

it("skips while a run is at work, and says so in one row of the history that counts up", async () => {
  const flowId = await dueFlow({ overlap: "skip" });
  await startDueRuns(database.pool);
  for (const minute of [1, 2, 3]) await startDueRuns(database.pool, minutes(minute));
  expect(await history(flowId)).toEqual(["queued", "cancelled skipped-overlap 3"]);
  await database.pool.query("UPDATE run SET state = 'succeeded' WHERE flow_id = $1 AND state = 'queued'", [flowId]);
  await startDueRuns(database.pool, minutes(4));
  expect(await history(flowId)).toEqual(["succeeded", "cancelled skipped-overlap 3", "queued"]);
});

it("queues as set, but no more than three: later times are skipped and shown", async () => {
  const flowId = await dueFlow({ overlap: "queue" });
  await startDueRuns(database.pool);
  await database.pool.query("UPDATE run SET state = 'running', slot = flow_id WHERE flow_id = $1", [flowId]);
  for (let minute = 1; minute <= 6; minute++) await startDueRuns(database.pool, minutes(minute));
  expect(await history(flowId)).toEqual(["running", "queued", "queued", "queued", "cancelled skipped-overlap 3"]);
  const { rows } = await database.pool.query(
    "SELECT error->>'message' AS said FROM run WHERE flow_id = $1 AND state = 'cancelled'",
    [flowId],
  );
  expect(rows[0].said).toMatch(
    /^Skipped 3 times: run \d+ was still at work, and 3 more were waiting, when the schedule came round\.$/,
  );
});

it("leaves stopped flows alone", async () => {
  const flowId = await dueFlow({});
  await database.pool.query("UPDATE flow SET paused = true WHERE id = $1", [flowId]);
  await startDueRuns(database.pool);
  expect(await history(flowId)).toEqual([]);
});
