import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { queryDatabase, type TestDatabase as RemoteDatabase } from "../../connectors/testing/postgres-database.ts";
import type { ServerContext } from "../context.ts";
import { lanesOf } from "../db/lanes.ts";
import type { ClaimedRun } from "../db/run-store/claimed-run.ts";
import type { TestDatabase } from "../testing/database.ts";
import { publishedFlow, TEST_BRIEF } from "../testing/flows.ts";
import { insertFlow, insertRunRow, queuedRuns } from "../testing/rows.ts";
import { type ShopAndBooks, shopAndBooks } from "../testing/shop-and-books.ts";
import { claimRun } from "./claim-run.ts";
import { executeRun } from "./execute-run.ts";
import { getRun } from "./get-run.ts";
import { recoverRuns } from "./recover-runs.ts";
import { startRun } from "./start-run.ts";

let world: ShopAndBooks;
let database: TestDatabase;
let shop: RemoteDatabase;
let books: RemoteDatabase;
let ctx: ServerContext;

beforeAll(async () => {
  world = await shopAndBooks("side_by_side");
  ({ database, shop, books } = world);
  await queryDatabase(shop, "CREATE VIEW tick AS SELECT gen_random_uuid()::text AS number");
  await queryDatabase(shop, "CREATE TABLE price (id int PRIMARY KEY, changed timestamptz NOT NULL DEFAULT now())");
  await queryDatabase(books, "CREATE TABLE log (number text PRIMARY KEY)");
  await queryDatabase(books, "CREATE TABLE price (id int PRIMARY KEY)");
});
beforeEach(async () => {
  ctx = await world.workspace();
  await queryDatabase(books, "TRUNCATE log");
});
afterAll(() => world?.end());

const services = () => ({ db: database.db, pool: database.pool, workerId: "worker_here" });
const execute = (run: string | ClaimedRun, goesOn?: () => boolean) =>
  executeRun(services(), { run, signal: new AbortController().signal, ...(goesOn && { goesOn }) });

const tickFlow = (name: string) => ({
  format: "plumbline/1",
  name,
  brief: TEST_BRIEF,
  steps: [
    { id: "ticks", kind: "read", connection: "Shop", stream: "tick", sync: "full" },
    { id: "log", kind: "write", connection: "Books", sink: "log", operation: "upsert", match: ["number"] },
  ],
  links: [{ from: "ticks", to: "log" }],
});

async function flows(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) ids.push(await publishedFlow(ctx, tickFlow(`Ticks ${n}`)));
  return ids;
}

async function started(flowIds: string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const flowId of flowIds) ids.push((await startRun(ctx, { flowId, mode: "live" })).id);
  return ids;
}

const rowOf = async (id: string) =>
  (await database.pool.query("SELECT state, wait_reason, slot, lease_worker, attempt FROM run WHERE id = $1", [id]))
    .rows[0];

describe("small runs side by side", () => {
  it("each have their outcome, their steps, their ledger row and their record", async () => {
    const ids = await started(await flows(6));
    const done = await Promise.all(ids.map((id) => execute(id)));
    expect(done.map((one) => one?.end)).toEqual(ids.map(() => "finished"));
    for (const id of ids) {
      const { run, steps, balanced } = await getRun(ctx, id);
      expect(run).toMatchObject({ state: "succeeded", counts: { read: 1, created: 1, dead: 0 } });
      expect(balanced).toBe(true);
      expect(steps).toMatchObject([
        { id: "ticks", in: 1, out: 1 },
        { id: "log", in: 1, created: 1, updated: 0 },
      ]);
    }
    const { rows } = await database.pool.query(
      "SELECT c.run_id::text AS run, c.workspace_id AS ws, c.state, c.after FROM change c WHERE c.run_id = ANY($1::bigint[]) ORDER BY c.run_id",
      [ids],
    );
    expect(rows).toMatchObject(ids.map((run) => ({ run, ws: ctx.workspaceId, state: "done" })));
    const log = await queryDatabase(books, "SELECT number FROM log ORDER BY number");
    expect(rows.map(({ after }) => after.number).sort()).toEqual(log.map(({ number }) => number));
    expect((await database.pool.query("SELECT FROM sending_page")).rowCount).toBe(0);
  });

  it("one that was taken over stops before it writes, and costs the others nothing", async () => {
    const ids = await started(await flows(3));
    const taken = await Promise.all(ids.map((id) => claimRun(database.pool, id, "worker_here")));
    await database.pool.query("UPDATE run SET lease_token = lease_token + 1 WHERE id = $1", [ids[1]]);
    const done = await Promise.all(taken.map((run) => execute(run as ClaimedRun)));
    expect(done.map((one) => one?.end)).toEqual(["finished", "lost", "finished"]);
    expect((await queryDatabase(books, "SELECT number FROM log")).length).toBe(2);
    const { rowCount } = await database.pool.query("SELECT FROM change WHERE run_id = $1", [ids[1]]);
    expect(rowCount).toBe(0);
    expect(await rowOf(ids[1] as string)).toMatchObject({ state: "running" }); // whoever took it over goes on
  });

  it("a watermark moves with the run's end", async () => {
    await queryDatabase(shop, "TRUNCATE price; INSERT INTO price (id) VALUES (1), (2)");
    const flowId = await publishedFlow(ctx, {
      ...tickFlow("Prices"),
      steps: [
        { id: "prices", kind: "read", connection: "Shop", stream: "price", sync: "incremental", watermark: "changed" },
        { id: "only", kind: "map", fields: [{ to: "id", from: "id" }] },
        { id: "log", kind: "write", connection: "Books", sink: "price", operation: "upsert", match: ["id"] },
      ],
      links: [
        { from: "prices", to: "only" },
        { from: "only", to: "log" },
      ],
    });
    const [first] = await started([flowId]);
    await execute(first as string);
    expect((await getRun(ctx, first as string)).run.counts).toMatchObject({ read: 2, created: 2 });
    await queryDatabase(shop, "INSERT INTO price (id) VALUES (3)");
    const [second] = await started([flowId]);
    await execute(second as string);
    expect((await getRun(ctx, second as string)).run.counts).toMatchObject({ read: 1, created: 1 });
  });
});

describe("taking hold of runs", () => {
  it("a run that several ask for is given to one", async () => {
    const flowId = await insertFlow(ctx, { liveVersion: 1 });
    const id = await insertRunRow(ctx, { flow_id: flowId, state: "queued" });
    const claims = await Promise.all(["a", "b", "c"].map((worker) => claimRun(database.pool, id, worker)));
    expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
    expect(await rowOf(id)).toMatchObject({ state: "running", attempt: 1 });
  });

  it("of several runs of a flow the oldest is taken, also by workers that ask at once, and the others wait for it", async () => {
    const busy = await insertFlow(ctx, { liveVersion: 1 });
    const other = await insertFlow(ctx, { liveVersion: 1 });
    const ids: string[] = [];
    for (const flow_id of [busy, busy, other, busy]) ids.push(await insertRunRow(ctx, { flow_id, state: "queued" }));
    const claims = await Promise.all(ids.toReversed().map((id, n) => claimRun(database.pool, id, `worker_${n}`)));
    expect(claims.filter((claim) => claim !== null)).toHaveLength(2);
    const states = await Promise.all(ids.map(rowOf));
    expect(states).toMatchObject([
      { state: "running", slot: busy, lease_worker: "worker_3" },
      { state: "waiting", wait_reason: "flow-busy" },
      { state: "running", slot: other, lease_worker: "worker_1" },
      { state: "waiting", wait_reason: "flow-busy" },
    ]);
  });

  it("a run that holds its flow while it waits is taken before younger ones of the flow", async () => {
    const flow_id = await insertFlow(ctx, { liveVersion: 1 });
    const younger = await insertRunRow(ctx, { flow_id, state: "queued" });
    const holder = await insertRunRow(ctx, { flow_id, state: "waiting", slot: flow_id, resume_at: new Date(0) });
    const claims = await Promise.all([younger, holder].map((id) => claimRun(database.pool, id, "worker_here")));
    expect(claims.map((claim) => claim?.lease.runId)).toEqual([undefined, holder]);
    expect(await rowOf(younger)).toMatchObject({ state: "waiting", wait_reason: "flow-busy" });
  });

  it("a run whose flow is given free in this very moment is not left waiting", async () => {
    const flow_id = await insertFlow(ctx, { liveVersion: 1 });
    const holder = await insertRunRow(ctx, { flow_id, state: "running", slot: flow_id, lease_worker: "worker_x" });
    const id = await insertRunRow(ctx, { flow_id, state: "queued" });
    // its end looked for runs that wait before this one did, and has not committed
    const client = await database.pool.connect();
    await client.query("BEGIN");
    await client.query("UPDATE run SET state = 'succeeded', slot = NULL WHERE id = $1", [holder]);
    const claim = claimRun(database.pool, id, "worker_here");
    await vi.waitFor(async () => expect(await rowOf(id)).toMatchObject({ state: "waiting" }));
    await client.query("COMMIT");
    client.release();
    expect((await claim)?.lease.runId).toBe(id);
    expect(await rowOf(id)).toMatchObject({ state: "running", slot: flow_id });
  });
});

describe("runs of one flow", () => {
  it("the one that waits is taken with the end of the one before, by the same worker", async () => {
    const [flowId = ""] = await flows(1);
    const ids = await started([flowId, flowId, flowId]);
    const [first, second, third] = ids as [string, string, string];
    const run = await claimRun(database.pool, first, "worker_here");
    expect(await execute(second)).toBeNull();
    expect(await execute(third)).toBeNull();
    const done = await execute(run as ClaimedRun, () => true);
    expect(done).toMatchObject({ end: "finished", next: { lease: { runId: second, token: 1 }, attempt: 1 } });
    expect(await rowOf(second)).toMatchObject({ state: "running", slot: flowId, lease_worker: "worker_here" });
    const last = await execute(done?.next as ClaimedRun, () => true);
    expect(last?.next?.lease.runId).toBe(third);
    expect(await execute(last?.next as ClaimedRun, () => true)).toMatchObject({ end: "finished" });
    expect((await queryDatabase(books, "SELECT number FROM log")).length).toBe(3);
    for (const id of ids) expect((await getRun(ctx, id)).run.state).toBe("succeeded");
  });

  it("a worker that does not go on leaves it to the queue", async () => {
    const [flowId = ""] = await flows(1);
    const [first, second] = (await started([flowId, flowId])) as [string, string];
    const run = await claimRun(database.pool, first, "worker_here");
    await execute(second);
    await database.pool.query("DELETE FROM graphile_worker._private_jobs");
    expect(await execute(run as ClaimedRun, () => false)).toMatchObject({ end: "finished" });
    expect(await rowOf(second)).toMatchObject({ state: "queued", slot: null, lease_worker: null, attempt: 0 });
    expect(await queuedRuns(ctx)).toContain(second);
  });

  it("one that was taken by a worker that died at once is taken up again", async () => {
    const [flowId = ""] = await flows(1);
    const [first, second] = (await started([flowId, flowId])) as [string, string];
    const run = await claimRun(database.pool, first, "worker_here");
    await execute(second);
    await execute(run as ClaimedRun, () => true);
    const { runs } = await recoverRuns(database.pool); // no process of that name is there
    expect(runs).toContain(second);
    expect(await execute(second)).toMatchObject({ end: "finished", attempt: 2 });
    expect((await getRun(ctx, second)).run).toMatchObject({ state: "succeeded", counts: { read: 1, created: 1 } });
  });
});

/** The ways a kept plan finds rows of `run`, by the name the statement is prepared under. */
async function waysToRuns(): Promise<Map<string, string[]>> {
  const ways = new Map<string, string[]>();
  const sessions = await Promise.all([1, 2, 3, 4].map(() => lanesOf(database.pool).connect()));
  try {
    const nothing: { [name: string]: string } = {
      "run-claim": "'{1}', '{worker_here}', '{queued}'",
      "ledger-enter-together": `'[]', ${Array.from({ length: 11 }, () => "''").join(", ")}, '|'`,
      "runs-end": "'[]'",
    };
    for (const session of sessions) {
      const kept = await session.query<{ name: string }>("SELECT name FROM pg_prepared_statements ORDER BY name");
      for (const { name } of kept.rows) {
        if (nothing[name] === undefined) continue;
        const { rows } = await session.query(`EXPLAIN (FORMAT JSON) EXECUTE "${name}"(${nothing[name]})`);
        ways.set(name, [...(ways.get(name) ?? []), ...scansOf(rows[0]["QUERY PLAN"], "run")]);
      }
    }
  } finally {
    for (const session of sessions) session.release();
  }
  return ways;
}

type PlanNode = { [key: string]: unknown };
function scansOf(plan: unknown, relation: string): string[] {
  if (Array.isArray(plan)) return plan.flatMap((one) => scansOf(one, relation));
  if (plan === null || typeof plan !== "object") return [];
  const node = plan as PlanNode;
  const below = Object.values(node).flatMap((value) => scansOf(value, relation));
  const scans = node["Relation Name"] === relation && /Scan$/.test(String(node["Node Type"]));
  if (!scans) return below;
  const by = JSON.stringify(node).match(/"(Index|Recheck) Cond":/) ? "by its number or flow" : "through all of them";
  return [...below, `${node["Node Type"]} ${by}`];
}

describe("what small runs share looks at their own rows only, however long the history is", () => {
  it("also by plans that were made, and are kept, when it was short", async () => {
    const ids = await started(await flows(3));
    await Promise.all(ids.map((id) => execute(id)));
    const ways = await waysToRuns();
    expect([...ways.keys()].sort()).toEqual(["ledger-enter-together", "run-claim", "runs-end"]);
    for (const [name, scans] of ways) {
      expect(scans.length, name).toBeGreaterThan(0);
      expect(
        scans.filter((scan) => scan.includes("through all")),
        name,
      ).toEqual([]);
    }
  });
});
