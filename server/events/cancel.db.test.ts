/** Runs of events that a person cancels, at each moment of their way: what was not sent never is, the rest is told truthfully. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createConnection } from "../connections/change-connections.ts";
import type { ServerContext } from "../context.ts";
import { removeFlow } from "../flows/remove-flow.ts";
import { cancelRun } from "../runs/cancel-run.ts";
import { listChanges } from "../runs/list-changes.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { type EventWorker, postEvent, runEnded, startEventWorker, until } from "../testing/event-worker.ts";
import { publishedFlow, TEST_BRIEF } from "../testing/flows.ts";
import { type GatedBooks, gatedBooks } from "../testing/gated-books.ts";
import { listDeliveries } from "./list-deliveries.ts";

process.env.PLUMBLINE_SECRET_KEY ??= "test-test-test-test-test";
process.env.PLUMBLINE_ALLOW_PRIVATE_NETWORK = "true";

let database: TestDatabase;
let ctx: ServerContext;
let worker: EventWorker;
let books: GatedBooks;
beforeAll(async () => {
  database = await testDatabase("cancel_events");
  ctx = await testContext(database);
  worker = await startEventWorker(database);
  books = await gatedBooks();
  const create = { path: "/invoices" };
  await createConnection(ctx, {
    name: "Books",
    connector: "http",
    settings: {
      baseUrl: books.url,
      sinks: [
        { name: "invoices", key: ["number"], create, read: { path: "/invoices/{number}" }, concurrency: 1 },
        { name: "blind", key: [], create, concurrency: 1 },
      ],
    },
  });
});
afterEach(() => {
  books.reads = "answer";
  books.writes = "answer";
  books.onTaken = () => {};
  books.release();
  books.taken.length = 0;
});
afterAll(async () => {
  await worker.stop();
  await books.close();
  await database.drop();
});

async function flow(name: string, sinks: ("invoices" | "blind")[], trigger: object = {}) {
  const steps = [
    { id: "hook", kind: "webhook", ...trigger },
    { id: "map", kind: "map", fields: [{ to: "number", from: "id" }] },
    ...sinks.map((sink) => ({ id: `to-${sink}`, kind: "write", connection: "Books", sink, operation: "insert" })),
  ];
  const links = [{ from: "hook", to: "map" }, ...sinks.map((sink) => ({ from: "map", to: `to-${sink}` }))];
  const document = { format: "plumbline/1", name, brief: TEST_BRIEF, steps, links };
  const flowId = await publishedFlow(ctx, document);
  return { flowId, hook: await worker.hookOf(flowId) };
}

/** Sends events that are claimed together. */
async function together(flowId: string, hook: string, ids: string[]): Promise<string[]> {
  await database.db.flow.update({ where: { id: flowId }, data: { paused: true } });
  const runs: string[] = [];
  for (const id of ids) runs.push((await postEvent(hook, { id })).body.id);
  await database.db.flow.update({ where: { id: flowId }, data: { paused: false } });
  return runs;
}

/** The time has come to try again. */
const goOn = (flowId: string) =>
  database.pool.query("UPDATE inbox_drain SET resume_at = now() - interval '1 second' WHERE flow_id = $1", [flowId]);

const nothingOpen = async (flowId: string) => {
  const { rows } = await database.pool.query(
    `SELECT (SELECT count(*) FROM inbox_queue WHERE flow_id = $1)::int AS queued,
       (SELECT count(*) FROM inbox_sending WHERE flow_id = $1)::int AS sending`,
    [flowId],
  );
  return rows[0].queued === 0 && rows[0].sending === 0;
};

it("an event nobody has worked on yet is never sent, and those beside it are", async () => {
  const { flowId, hook } = await flow("Only waits", ["invoices"]);
  await database.db.flow.update({ where: { id: flowId }, data: { paused: true } });
  const [a, b] = [await postEvent(hook, { id: "w1" }), await postEvent(hook, { id: "w2" })];
  expect(await cancelRun(ctx, a.body.id)).toEqual({ ok: true, state: "cancelled" });
  await expect(cancelRun(ctx, a.body.id)).rejects.toMatchObject({ code: "run-finished" });
  await database.db.flow.update({ where: { id: flowId }, data: { paused: false } });
  expect((await runEnded(ctx, b.body.id)).run).toMatchObject({ state: "succeeded" });
  expect(await runEnded(ctx, a.body.id)).toMatchObject({
    balanced: true,
    run: { state: "cancelled", trigger: "webhook", counts: { read: 0, created: 0 } },
  });
  expect(books.taken).toEqual(["w2"]);
  const { items } = await listDeliveries(ctx, { flowId, limit: 10 });
  expect(items.map(({ status }) => status)).toEqual(["succeeded", "cancelled"]);
  await until(() => nothingOpen(flowId), "nothing is left open");
});

it("an event that waits for its target, and was not sent, is never sent", async () => {
  const { flowId, hook } = await flow("Waits for target", ["blind"]);
  books.writes = "refuse";
  const [a, b] = await together(flowId, hook, ["t1", "t2"]);
  await until(
    async () => (await database.pool.query("SELECT FROM run WHERE id = $1 AND state = 'waiting'", [a])).rowCount === 1,
    "the batch waits",
  );
  expect((await cancelRun(ctx, a!)).state).toBe("cancelled");
  books.writes = "answer";
  await goOn(flowId);
  expect((await runEnded(ctx, b!)).run).toMatchObject({ state: "succeeded", counts: { created: 1 } });
  expect((await runEnded(ctx, a!)).run).toMatchObject({ state: "cancelled", counts: { read: 0, held: 0 } });
  expect(books.taken).toEqual(["t2"]);
  await until(() => nothingOpen(flowId), "nothing is left open");
}, 30_000);

it("an event cancelled after it was claimed, and before it is entered in the ledger, is never sent", async () => {
  const { flowId, hook } = await flow("Claimed", ["invoices"]);
  books.reads = "hold";
  const [a, b, c] = await together(flowId, hook, ["c1", "c2", "c3"]);
  await until(async () => books.held() > 0, "the target is asked");
  expect((await cancelRun(ctx, b!)).state).toBe("cancelled");
  books.reads = "answer";
  books.release();
  for (const id of [a, c]) expect((await runEnded(ctx, id!)).run).toMatchObject({ state: "succeeded" });
  expect((await runEnded(ctx, b!)).run).toMatchObject({ state: "cancelled", counts: { read: 0 } });
  expect(books.taken).toEqual(["c1", "c3"]);
  const ledger = await database.pool.query("SELECT FROM change WHERE run_id = $1 AND state = 'done'", [b]);
  expect(ledger.rowCount).toBe(0);
  await until(() => nothingOpen(flowId), "nothing is left open");
}, 30_000);

it("an event cancelled while it is sent counts what arrived, and nothing is sent twice", async () => {
  const { flowId, hook } = await flow("Being sent", ["invoices"]);
  books.writes = "hold";
  const [a, b] = await together(flowId, hook, ["s1", "s2"]);
  await until(async () => books.held() === 1, "the first is sent");
  expect((await cancelRun(ctx, a!)).state).toBe("queued");
  books.writes = "answer";
  books.release();
  const { run, steps, balanced } = await runEnded(ctx, a!);
  expect(run).toMatchObject({ state: "cancelled", counts: { read: 1, created: 1, dead: 0 } });
  expect(balanced).toBe(true);
  expect(steps.find(({ id }) => id === "to-invoices")).toMatchObject({ in: 1, created: 1 });
  expect((await listChanges(ctx, { runId: a!, limit: 10 })).items).toMatchObject([{ key: "s1", operation: "create" }]);
  expect((await runEnded(ctx, b!)).run).toMatchObject({ state: "succeeded", counts: { created: 1 } });
  expect([...books.taken].sort()).toEqual(["s1", "s2"]);
  await until(() => nothingOpen(flowId), "nothing is left open");
}, 30_000);

/** Two events: the first was sent, its answer is lost and cannot be asked for; the second is refused, so that both wait. */
async function inDoubt(name: string, sinks: ("invoices" | "blind")[], ids: string[]) {
  const { flowId, hook } = await flow(name, sinks);
  books.writes = "lose";
  books.onTaken = () => {
    books.writes = "refuse";
    books.reads = "refuse";
  };
  const runs = await together(flowId, hook, ids);
  await until(
    async () =>
      (await database.pool.query("SELECT FROM run WHERE id = ANY($1) AND state = 'waiting'", [runs])).rowCount === 2,
    "both wait",
    30_000,
  );
  expect(books.taken).toEqual([ids[0]]);
  return { flowId, runs };
}

it.each([
  ["that has the record: it counts as written", true],
  ["that does not: it counts as nothing", false],
])(
  "a waiting event that was sent is looked up, when it is cancelled, in a target %s",
  async (name, there) => {
    const ids = [`d1 ${there}`, `d2 ${there}`];
    const { flowId, runs } = await inDoubt(`In doubt ${name}`, ["invoices"], ids);
    if (!there) books.forget(ids[0]!);
    books.reads = "answer";
    expect((await cancelRun(ctx, runs[0]!)).state).toBe("queued");
    const ended = await runEnded(ctx, runs[0]!);
    const counts = { read: there ? 1 : 0, created: there ? 1 : 0, dead: 0 };
    expect(ended).toMatchObject({ balanced: true, run: { state: "cancelled", counts } });
    // the other one goes on waiting as before, and is sent in its time
    books.writes = "answer";
    await goOn(flowId);
    expect((await runEnded(ctx, runs[1]!)).run).toMatchObject({ state: "succeeded", counts: { created: 1 } });
    expect(books.taken).toEqual(ids);
    expect((await listChanges(ctx, { runId: runs[0]!, limit: 10 })).items).toHaveLength(there ? 1 : 0);
    await until(() => nothingOpen(flowId), "nothing is left open");
  },
  60_000,
);

it.each([
  ["cannot be asked", "blind"],
  ["does not answer now", "invoices"],
] as const)(
  "what was sent to a target that %s goes to a person when its event is cancelled",
  async (name, sink) => {
    const ids = [`p1 ${sink}`, `p2 ${sink}`];
    const { flowId, runs } = await inDoubt(`A person ${name}`, [sink], ids);
    await cancelRun(ctx, runs[0]!);
    const { run, steps, balanced } = await runEnded(ctx, runs[0]!);
    expect(run).toMatchObject({ state: "cancelled", counts: { read: 1, created: 0, dead: 1 } });
    expect(balanced).toBe(true);
    expect(steps.find(({ id }) => id === `to-${sink}`)).toMatchObject({ in: 1, dead: 1 });
    const { rows } = await database.pool.query(
      "SELECT code, key, run_id::text AS run FROM dead_letter WHERE flow_id = $1",
      [flowId],
    );
    expect(rows).toEqual([{ code: "may-have-arrived", key: expect.any(String), run: runs[0] }]);
    await cancelRun(ctx, runs[1]!);
    expect((await runEnded(ctx, runs[1]!)).run).toMatchObject({ state: "cancelled", counts: { read: 0 } });
    await until(() => nothingOpen(flowId), "nothing is left open");
    books.writes = "answer";
    expect(books.taken).toEqual([ids[0]]); // never again
  },
  60_000,
);

it("an event that was written at one of its ends when it is cancelled counts once, and each step its part", async () => {
  const { flowId, hook } = await flow("Two ends", ["invoices", "blind"]);
  books.onTaken = () => {
    books.writes = "refuse";
  };
  const [a, b] = await together(flowId, hook, ["f1", "f2"]);
  await until(
    async () =>
      (await database.pool.query("SELECT FROM run WHERE id = ANY($1) AND state = 'waiting'", [[a, b]])).rowCount === 2,
    "both wait",
    30_000,
  );
  const first = books.taken[0] === "f1" ? a : b;
  await cancelRun(ctx, first!);
  const { run, balanced, steps } = await runEnded(ctx, first!);
  expect(run).toMatchObject({ state: "cancelled", counts: { read: 1, created: 1, dead: 0 } });
  expect(balanced).toBe(true);
  expect(steps.filter(({ created }) => created > 0)).toMatchObject([{ id: "to-invoices", in: 1 }]);
}, 60_000);

it("a flow removed while its events are in doubt accounts for them", async () => {
  const ids = ["r1", "r2"];
  const { flowId, runs } = await inDoubt("Removed", ["invoices"], ids);
  books.reads = "answer";
  await removeFlow(ctx, flowId);
  expect((await runEnded(ctx, runs[0]!)).run).toMatchObject({ state: "cancelled", counts: { read: 1, created: 1 } });
  expect((await runEnded(ctx, runs[1]!)).run).toMatchObject({ state: "cancelled", counts: { read: 0 } });
  await until(() => nothingOpen(flowId), "nothing is left open");
  expect(books.taken).toEqual(["r1"]);
}, 60_000);

describe("a sender that waits for the result", () => {
  const asking = { wait: true, timeout: "30s" };
  const waiting = (flowId: string) =>
    until(async () => (await listDeliveries(ctx, { flowId, limit: 1 })).items[0], "the event is stored");

  /** As a flow does whose target is down. */
  const rest = (flowId: string) =>
    database.pool.query(
      `INSERT INTO inbox_drain (flow_id, workspace_id, wait_reason, resume_at) VALUES ($1, $2, 'down', now() + interval '1 hour')`,
      [flowId, ctx.workspaceId],
    );

  it("is told at once that the run was cancelled, and so is a repeat", async () => {
    const { flowId, hook } = await flow("Asks, waits", ["invoices"], asking);
    await rest(flowId);
    const sent = postEvent(hook, { id: "q1" }, { "webhook-id": "q1" });
    const { id } = await waiting(flowId);
    const since = Date.now();
    expect((await cancelRun(ctx, id)).state).toBe("cancelled");
    const answer = await sent;
    expect(answer).toMatchObject({ status: 422, body: { error: { code: "cancelled", details: { id } } } });
    expect(JSON.stringify(answer.body)).toContain("Nothing of it was written");
    expect(answer.headers.get("plumbline-outcome")).toBe("cancelled");
    expect(await postEvent(hook, { id: "q1" }, { "webhook-id": "q1" })).toMatchObject({ status: 422 });
    expect(Date.now() - since).toBeLessThan(5_000);
  });

  it("is told what had been written by then", async () => {
    const { flowId, hook } = await flow("Asks, half sent", ["invoices"], asking);
    books.writes = "hold";
    const sent = postEvent(hook, { id: "q2" });
    const { id } = await waiting(flowId);
    await until(async () => books.taken.includes("q2"), "it is at the target");
    await cancelRun(ctx, id);
    books.writes = "answer";
    books.release();
    const answer = await sent;
    expect(answer).toMatchObject({ status: 422, body: { error: { code: "cancelled" } } });
    expect(JSON.stringify(answer.body)).toContain("1 record had been written by then");
  }, 40_000);

  it("is told when the flow is removed; each of its waiting events has a cancelled run", async () => {
    const { flowId, hook } = await flow("Asks, removed", ["invoices"], asking);
    await rest(flowId);
    const sent = postEvent(hook, { id: "q3" });
    const { id } = await waiting(flowId);
    await removeFlow(ctx, flowId);
    expect(await sent).toMatchObject({ status: 422, body: { error: { code: "cancelled" } } });
    expect(await runEnded(ctx, id)).toMatchObject({ balanced: true, run: { state: "cancelled", trigger: "webhook" } });
    await until(() => nothingOpen(flowId), "nothing is left open");
  });
});
