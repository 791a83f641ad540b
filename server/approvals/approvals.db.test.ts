import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase as RemoteDatabase } from "../../connectors/testing/postgres-database.ts";
import { closeSessions } from "../connections/session-pool.ts";
import type { ServerContext } from "../context.ts";
import { createFlow } from "../flows/create-flow.ts";
import { journeyOf } from "../ledger/journey.ts";
import { cancelRun } from "../runs/cancel-run.ts";
import { getRun, getRunDetail } from "../runs/get-run.ts";
import { startContinuations } from "../runs/run-held.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { connectDatabase, publishedFlow, runFlow, runToEnd, TEST_BRIEF } from "../testing/flows.ts";
import type { Role } from "../trpc/contract/people.ts";
import { answerApprovals } from "./answer.ts";
import { countMine, listApprovals } from "./list-approvals.ts";

process.env.PLUMBLINE_SECRET_KEY ??= "test-test-test-test-test";
process.env.PLUMBLINE_ALLOW_PRIVATE_NETWORK = "true";

let database: TestDatabase;
let remote: RemoteDatabase;
let shop: pg.Pool;
let ctx: ServerContext;

beforeAll(async () => {
  database = await testDatabase("approvals");
  remote = await createTestDatabase("approvals_shop");
  shop = new pg.Pool({ connectionString: remote.url });
  shop.on("error", () => {});
});
afterAll(async () => {
  await closeSessions();
  await shop.end();
  await database.drop();
  await remote.drop();
});
beforeEach(async () => {
  ctx = await testContext(database);
  await database.pool.query("DELETE FROM held_part"); // of the test before
  await shop.query(`DROP TABLE IF EXISTS refunds, paid, refused;
    CREATE TABLE refunds (id int PRIMARY KEY, amount int, due timestamptz);
    CREATE TABLE paid (id int PRIMARY KEY, amount int CHECK (amount < 1000));
    CREATE TABLE refused (id int PRIMARY KEY, amount int)`);
  await connectDatabase(ctx, "Shop", remote.url);
});

const map = {
  kind: "map",
  fields: [
    { to: "id", from: "id" },
    { to: "amount", from: "amount" },
  ],
};
const write = (sink: string) => ({
  id: sink,
  kind: "write",
  connection: "Shop",
  sink,
  operation: "upsert",
  match: ["id"],
});
const approval = (approve: object = {}, settings: object = {}) => ({
  format: "plumbline/1",
  name: "Refunds",
  brief: TEST_BRIEF,
  steps: [
    { id: "refunds", kind: "read", connection: "Shop", stream: "refunds" },
    { id: "ask", kind: "approve", title: "Check refund", question: "Pay it?", show: ["amount"], ...approve },
    { id: "yes", ...map },
    { id: "no", ...map },
    write("paid"),
    write("refused"),
  ],
  links: [
    { from: "refunds", to: "ask" },
    { from: "ask", port: "yes", to: "yes" },
    { from: "ask", port: "no", to: "no" },
    { from: "yes", to: "paid" },
    { from: "no", to: "refused" },
  ],
  settings,
});
const waiting = (wait: object) => ({
  ...approval(),
  steps: [
    { id: "refunds", kind: "read", connection: "Shop", stream: "refunds" },
    { id: "rest", kind: "wait", ...wait },
    { id: "yes", ...map },
    write("paid"),
  ],
  links: [
    { from: "refunds", to: "rest" },
    { from: "rest", to: "yes" },
    { from: "yes", to: "paid" },
  ],
});

async function continued(): Promise<string[]> {
  const ids = await startContinuations(database.pool);
  for (const id of ids) await runToEnd(database, id);
  return ids;
}
const open = async () => (await listApprovals(ctx, { state: "open", limit: 50 })).items;
const idsIn = async (table: string) =>
  (await shop.query(`SELECT id FROM ${table} ORDER BY id`)).rows.map(({ id }) => id as number);

describe("approve", () => {
  test("holds each record until a person answers; it goes on by that port in a run of its own", async () => {
    await shop.query("INSERT INTO refunds VALUES (1, 10), (2, 20), (3, 5000)");
    const id = await runFlow(database, ctx, await publishedFlow(ctx, approval()));
    const first = await getRun(ctx, id);
    expect(first.run).toMatchObject({ state: "succeeded", counts: { read: 3, held: 3 } });
    expect(first.balanced).toBe(true);
    const items = await open();
    expect(items).toMatchObject([
      {
        stepTitle: "Check refund",
        question: "Pay it?",
        key: "1",
        record: { amount: 10 },
        mine: true,
        until: null,
        run: id,
      },
      { key: "2" },
      { key: "3" },
    ]);
    expect(await continued()).toEqual([]);
    expect(await answerApprovals(ctx, { ids: [items[0]!.id, items[2]!.id], decision: "yes", note: "fine" })).toEqual({
      answered: 2,
    });
    await answerApprovals(ctx, { ids: [items[1]!.id], decision: "no" });
    const [run] = await continued();
    const second = await getRun(ctx, run!);
    expect(second.run).toMatchObject({
      state: "succeeded_with_errors",
      trigger: "continue",
      counts: { read: 3, created: 2, dead: 1 },
    });
    expect(second.steps.find((step) => step.id === "ask")).toMatchObject({ in: 3, out: 3, ports: { yes: 2, no: 1 } });
    expect(await idsIn("paid")).toEqual([1]);
    expect(await idsIn("refused")).toEqual([2]);
    expect(await open()).toEqual([]);
    expect(await continued()).toEqual([]);
    const letters = await database.pool.query("SELECT key, source FROM dead_letter WHERE run_id = $1", [run]);
    expect(letters.rows).toMatchObject([{ key: "3", source: { id: 3, amount: 5000, due: null } }]);
    const answered = (await listApprovals(ctx, { state: "answered", limit: 50 })).items;
    expect(answered[0]).toMatchObject({ key: "3", decision: "yes", decidedBy: ctx.actor.name, note: "fine" });
    const journey = await journeyOf(ctx, { key: "1" });
    expect(journey.map(({ event, outcome }) => `${event} ${outcome}`)).toEqual([
      "ended held",
      `decided approved by ${ctx.actor.name}`,
      "written created",
    ]);
  });

  test("who is not named may not answer; an answer counts once", async () => {
    await shop.query("INSERT INTO refunds VALUES (1, 10)");
    await runFlow(database, ctx, await publishedFlow(ctx, approval({ who: ["ana@example.com"] })));
    const [item] = await open();
    const as = (name: string, role: ServerContext["actor"]["role"]) => ({
      ...ctx,
      actor: { ...ctx.actor, name, role },
    });
    const answer = { ids: [item!.id], decision: "yes" as const };
    await expect(answerApprovals(as("ben@example.com", "operator"), answer)).rejects.toThrow(/Only ana@example.com/);
    await answerApprovals(as("Ana@example.com", "viewer"), answer);
    await expect(answerApprovals(as("ana@example.com", "viewer"), answer)).rejects.toMatchObject({
      code: "already-answered",
    });
    const other = { ...(await testContext(database)) };
    await expect(answerApprovals(other, answer)).rejects.toMatchObject({ code: "not-found" });
  });

  test("a role may be named, and those above it; a token answers by its role, not by its name", async () => {
    await shop.query("INSERT INTO refunds VALUES (1, 10), (2, 20)");
    await runFlow(database, ctx, await publishedFlow(ctx, approval({ who: ["ana@example.com", "operator"] })));
    const [first, second] = await open();
    const as = (name: string, role: Role, kind: "person" | "token" = "person") => ({
      ...ctx,
      actor: { ...ctx.actor, name, role, kind },
    });
    const answer = { ids: [first!.id], decision: "yes" as const };
    await expect(answerApprovals(as("ben@example.com", "builder"), answer)).rejects.toThrow(
      "Only ana@example.com or operators and admins may answer this.",
    );
    await expect(answerApprovals(as("ana@example.com", "viewer", "token"), answer)).rejects.toMatchObject({
      code: "forbidden",
    });
    expect(await countMine(as("ben@example.com", "builder"))).toEqual({ count: 0 });
    expect(await countMine(as("ben@example.com", "operator"))).toEqual({ count: 2 });
    await answerApprovals(as("ben@example.com", "operator"), answer);
    expect(await countMine(as("Ana@example.com", "viewer"))).toEqual({ count: 1 });
    await answerApprovals(as("CI", "operator", "token"), { ...answer, ids: [second!.id] });
    const wrong = await createFlow(ctx, approval({ who: ["boss"] }));
    expect(wrong.problems).toMatchObject([
      { step: "ask", message: expect.stringContaining("e-mail address or a role") },
    ]);
  });

  test("nobody answered in time: the step's own answer counts", async () => {
    await shop.query("INSERT INTO refunds VALUES (1, 10)");
    await runFlow(database, ctx, await publishedFlow(ctx, approval({ within: "1h" })));
    expect(await open()).toMatchObject([{ otherwise: "no", until: expect.any(String) }]);
    expect(await continued()).toEqual([]);
    await database.pool.query("UPDATE held_part SET due_at = now() - interval '1 second' WHERE workspace_id = $1", [
      ctx.workspaceId,
    ]);
    await continued();
    expect(await idsIn("refused")).toEqual([1]);
    expect((await listApprovals(ctx, { state: "answered", limit: 50 })).items).toMatchObject([
      { decidedBy: "time limit" },
    ]);
  });

  test("a dry run shows what a yes would do and asks nobody", async () => {
    await shop.query("INSERT INTO refunds VALUES (1, 10)");
    const id = await runFlow(database, ctx, await publishedFlow(ctx, approval()), { mode: "dry" });
    expect((await getRun(ctx, id)).run.counts).toMatchObject({ read: 1, created: 1, held: 0 });
    expect(await open()).toEqual([]);
  });

  test("in order by key, later records of the key wait too, and go on after the answer", async () => {
    await shop.query("INSERT INTO refunds VALUES (1, 10)");
    const flowId = await publishedFlow(ctx, approval({}, { order: "by-key", key: "id" }));
    await runFlow(database, ctx, flowId);
    await shop.query("UPDATE refunds SET amount = 11");
    const second = await runFlow(database, ctx, flowId);
    expect((await getRun(ctx, second)).run.counts).toMatchObject({ read: 1, held: 1 });
    expect(await open()).toHaveLength(1); // the second waits behind the first, not beside it
  });
});

describe("wait", () => {
  test("holds records for a time, across restarts, then lets them go on", async () => {
    await shop.query("INSERT INTO refunds VALUES (1, 10), (2, 20)");
    const id = await runFlow(database, ctx, await publishedFlow(ctx, waiting({ for: "1h" })));
    expect((await getRun(ctx, id)).run.counts).toMatchObject({ read: 2, held: 2 });
    expect(await continued()).toEqual([]);
    await database.pool.query("UPDATE held_part SET due_at = due_at - interval '1 hour' WHERE run_id = $1", [id]);
    const [run] = await continued();
    expect((await getRun(ctx, run!)).run).toMatchObject({ state: "succeeded", counts: { read: 2, created: 2 } });
    expect(await idsIn("paid")).toEqual([1, 2]);
  });

  test("is over for good when the run that held the records is cancelled; once", async () => {
    await shop.query("INSERT INTO refunds VALUES (1, 10), (2, 20)");
    const id = await runFlow(database, ctx, await publishedFlow(ctx, waiting({ for: "1h" })));
    expect((await getRunDetail(ctx, id)).holding.waits).toBe(2);
    const elsewhere = await testContext(database);
    await expect(cancelRun(elsewhere, id)).rejects.toMatchObject({ code: "not-found" });
    expect(await cancelRun(ctx, id)).toEqual({ ok: true, state: "succeeded", cancelled: 2 });
    await expect(cancelRun(ctx, id)).rejects.toMatchObject({ code: "run-finished" });
    expect((await getRunDetail(ctx, id)).holding).toMatchObject({ waits: 0, cancelled: 2 });
    await database.pool.query("UPDATE held_part SET due_at = due_at - interval '1 hour' WHERE run_id = $1", [id]);
    expect(await continued()).toEqual([]);
    expect(await idsIn("paid")).toEqual([]);
    const { run, balanced } = await getRun(ctx, id);
    expect({ balanced, ...run.counts }).toMatchObject({ balanced: true, read: 2, held: 2 });
    expect((await journeyOf(ctx, { key: "1" })).map(({ outcome }) => outcome)).toEqual([
      "held",
      `cancelled by ${ctx.actor.name}`,
    ]);
  });

  test("waits until each record's own date; one whose date is past goes on at once", async () => {
    await shop.query(
      "INSERT INTO refunds VALUES (1, 10, now() + interval '1 day'), (2, 20, now() - interval '1 day'), (3, 30, NULL)",
    );
    const id = await runFlow(database, ctx, await publishedFlow(ctx, waiting({ until: "due" })));
    expect((await getRun(ctx, id)).run.counts).toMatchObject({ read: 3, held: 1, created: 1, dead: 1 });
    const { rows } = await database.pool.query("SELECT due_at FROM held_part WHERE run_id = $1", [id]);
    expect(rows[0].due_at.getTime()).toBeGreaterThan(Date.now() + 23 * 3_600_000);
  });

  test("goes on by the version that held it, also after another was published; not while the flow is stopped", async () => {
    await shop.query("INSERT INTO refunds VALUES (1, 10)");
    const flowId = await publishedFlow(ctx, waiting({ for: "1h" }));
    await runFlow(database, ctx, flowId);
    await database.pool.query("UPDATE held_part SET due_at = now() - interval '1 second' WHERE flow_id = $1", [flowId]);
    await database.pool.query("UPDATE flow SET paused = true WHERE id = $1", [flowId]);
    expect(await continued()).toEqual([]);
    await database.pool.query("UPDATE flow SET paused = false WHERE id = $1", [flowId]);
    expect(await continued()).toHaveLength(1);
    expect(await idsIn("paid")).toEqual([1]);
  });

  test("many parts go on in slices, each once", async () => {
    await shop.query("INSERT INTO refunds SELECT i, 10 FROM generate_series(1, 1200) i");
    await runFlow(database, ctx, await publishedFlow(ctx, waiting({ for: "1h" })));
    await database.pool.query("UPDATE held_part SET due_at = now() - interval '1 second' WHERE workspace_id = $1", [
      ctx.workspaceId,
    ]);
    const [id] = await startContinuations(database.pool);
    await runToEnd(database, id!, 0);
    expect((await getRun(ctx, id!)).run).toMatchObject({ state: "succeeded", counts: { read: 1_200, created: 1_200 } });
    expect(await idsIn("paid")).toHaveLength(1_200);
  });
});
