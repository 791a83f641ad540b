import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { answerApprovals } from "../approvals/answer.ts";
import { listApprovals } from "../approvals/list-approvals.ts";
import type { ServerContext } from "../context.ts";
import { createFlow } from "../flows/create-flow.ts";
import { publishFlow } from "../flows/publish-flow.ts";
import { removeFlow } from "../flows/remove-flow.ts";
import { getRun } from "../runs/get-run.ts";
import { startContinuations } from "../runs/run-held.ts";
import { startRun } from "../runs/start-run.ts";
import { until } from "../testing/event-worker.ts";
import { publishedFlow, runFlow, runToEnd, TEST_BRIEF } from "../testing/flows.ts";
import { publisher, type TopicWorld, topicWorld } from "../testing/topic-world.ts";
import { createToken } from "../tokens/tokens.ts";
import { listTopics } from "./list-topics.ts";
import { publishEvents } from "./publish-events.ts";

let world: TopicWorld;
let database: TopicWorld["database"];
let shop: TopicWorld["shop"];
let ctx: ServerContext;

beforeAll(async () => {
  world = await topicWorld("topics");
  ({ database, shop } = world);
});
afterAll(() => world.end());
beforeEach(async () => {
  ctx = await world.fresh();
});

const listener = (sink: string, event: object = {}, fields: object[] = []) => ({
  format: "plumbline/1",
  name: `To ${sink}`,
  brief: TEST_BRIEF,
  steps: [
    { id: "order", kind: "event", topic: "orders", ...event },
    {
      id: "row",
      kind: "map",
      fields: [{ to: "key", formula: "TEXT(id)" }, { to: "sku", from: "sku" }, ...fields],
    },
    { id: "write", kind: "write", connection: "Shop", sink, operation: "upsert", match: ["key"] },
  ],
  links: [
    { from: "order", to: "row" },
    { from: "row", to: "write" },
  ],
});

const countIn = async (table: string) => Number((await shop.query(`SELECT count(*) AS n FROM ${table}`)).rows[0].n);
const runsOf = async (flowId: string) =>
  (
    await database.pool.query("SELECT id::text, state, trigger, started_by FROM run WHERE flow_id = $1 ORDER BY id", [
      flowId,
    ])
  ).rows;

describe("an event published by a flow", () => {
  test("reaches every flow that listens, once, with runs, retries and dead letters of its own", async () => {
    const stock = await publishedFlow(ctx, listener("stock"));
    const mails = await publishedFlow(
      ctx,
      listener("mails", { types: ["order.created"], attributes: "event" }, [
        { to: "type", from: "event.type" },
        { to: "at", from: "event.time" },
      ]),
    );
    const other = await publishedFlow(ctx, listener("mails", { types: ["order.cancelled"] }));
    await shop.query(
      "INSERT INTO orders SELECT i, CASE WHEN i = 7 THEN 'bad' ELSE 'sku ' || i END FROM generate_series(1, 25) i",
    );
    const flowId = await publishedFlow(ctx, publisher());
    const id = await runFlow(database, ctx, flowId);
    const { run, steps, balanced } = await getRun(ctx, id);
    expect(run).toMatchObject({ state: "succeeded", counts: { read: 25, created: 25 } });
    expect(balanced).toBe(true);
    expect(steps.find((step) => step.id === "tell")).toMatchObject({ in: 25, created: 25 });
    await until(
      async () => (await countIn("stock")) === 25 && (await runsOf(mails)).length === 25,
      "both flows have all",
    );
    expect(await countIn("mails")).toBe(24);
    expect(await runsOf(other)).toEqual([]);
    const states = (await runsOf(mails)).map(({ state }) => state);
    expect(states.filter((state) => state === "succeeded_with_errors")).toHaveLength(1);
    expect((await runsOf(stock))[0]).toMatchObject({ state: "succeeded", trigger: "event", started_by: "flow Orders" });
    expect((await shop.query("SELECT type, at FROM mails WHERE key = '1'")).rows[0]).toEqual({
      type: "order.created",
      at: expect.any(Date),
    });
    const letters = await database.pool.query("SELECT flow_id, step_id FROM dead_letter WHERE workspace_id = $1", [
      ctx.workspaceId,
    ]);
    expect(letters.rows).toEqual([{ flow_id: mails, step_id: "write" }]);
  });

  test("goes out with its page's checkpoint: a run that gives its worker back after each page publishes each once", async () => {
    await publishedFlow(ctx, listener("stock"));
    await shop.query("INSERT INTO orders SELECT i, 'x' FROM generate_series(1, 50) i");
    const { id } = await startRun(ctx, { flowId: await publishedFlow(ctx, publisher()), mode: "live" });
    await runToEnd(database, id, 0);
    await until(async () => (await countIn("stock")) === 50, "all have come");
    const { rows } = await database.pool.query(
      "SELECT count(*)::int AS n, count(DISTINCT event_id)::int AS ids, bool_and(run_id = $2) AS ours FROM topic_event WHERE workspace_id = $1",
      [ctx.workspaceId, id],
    );
    expect(rows[0]).toEqual({ n: 50, ids: 50, ours: true });
  });

  test("is of a topic that is listed as soon as the flow is published, and not when it is gone", async () => {
    const flowId = await publishedFlow(ctx, publisher());
    expect(await listTopics(ctx)).toEqual([{ topic: "orders", flows: [], subscriptions: 0, events: 0, lastAt: null }]);
    await removeFlow(ctx, flowId);
    expect(await listTopics(ctx)).toEqual([]);
  });

  test("a dry run publishes nothing", async () => {
    await shop.query("INSERT INTO orders VALUES (1, 'x')");
    const id = await runFlow(database, ctx, await publishedFlow(ctx, publisher()), { mode: "dry" });
    expect((await getRun(ctx, id)).run.counts).toMatchObject({ read: 1, created: 1 });
    const { rows } = await database.pool.query("SELECT 1 FROM topic_event WHERE workspace_id = $1", [ctx.workspaceId]);
    expect(rows).toEqual([]);
  });

  test("a flow that hears what it publishes by way of another is refused, until that one is gone", async () => {
    const echo = (name: string, from: string, to: string) => ({
      ...{ format: "plumbline/1", name, brief: TEST_BRIEF },
      steps: [
        { id: "heard", kind: "event", topic: from },
        { id: "tell", kind: "publish", topic: to },
      ],
      links: [{ from: "heard", to: "tell" }],
    });
    const first = await publishedFlow(ctx, echo("There", "orders", "stock"));
    const { id, problems } = await createFlow(ctx, echo("Back", "stock", "orders"));
    expect(problems).toMatchObject([{ step: "tell", message: expect.stringContaining("by way of “There”") }]);
    await expect(publishFlow(ctx, { flowId: id, note: "x" })).rejects.toThrow(/problem/);
    await removeFlow(ctx, first);
    await publishFlow(ctx, { flowId: id, note: "x" });
  });

  test("of two flows that would start each other, published at once, one is refused", async () => {
    const echo = (name: string, from: string, to: string) => ({
      ...listener("stock"),
      name,
      steps: [
        { id: "event", kind: "event", topic: from },
        { id: "tell", kind: "publish", topic: to },
      ],
      links: [{ from: "event", to: "tell" }],
    });
    for (let round = 0; round < 5; round++) {
      const [here, back] = [`here${round}`, `back${round}`];
      const flows = [await createFlow(ctx, echo(here, here, back)), await createFlow(ctx, echo(back, back, here))];
      const ends = await Promise.allSettled(flows.map(({ id }) => publishFlow(ctx, { flowId: id, note: "x" })));
      expect(ends.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
      const refused = ends.find((end) => end.status === "rejected");
      expect(refused?.reason).toMatchObject({ code: "has-problems", message: expect.stringContaining("for ever") });
    }
  });

  test("a flow that hears what it publishes is refused", async () => {
    const document = listener("stock");
    const loop = {
      ...document,
      steps: [...document.steps, { id: "tell", kind: "publish", topic: "orders" }],
      links: [...document.links, { from: "row", to: "tell" }],
    };
    await expect(publishedFlow(ctx, loop)).rejects.toThrow(/start itself for ever/);
  });

  test("steps that look up, make, join and hold parts work for events too, each event a run", async () => {
    await shop.query("INSERT INTO orders VALUES (1, 'A'), (2, 'B')");
    const steps = [
      { id: "order", kind: "event", topic: "orders", types: ["lines"] },
      { id: "lines", kind: "split", field: "lines" },
      {
        id: "sku",
        kind: "lookup",
        connection: "Shop",
        stream: "orders",
        match: { id: "product" },
        take: [{ to: "sku", from: "sku" }],
      },
      {
        id: "sum",
        kind: "collect",
        by: ["no"],
        within: "run",
        fields: [
          { to: "skus", take: "list", from: "sku" },
          { to: "pieces", take: "sum", from: "n" },
        ],
      },
      { id: "ask", kind: "approve", question: "Ship?" },
      {
        id: "row",
        kind: "map",
        fields: [
          { to: "key", formula: "TEXT(no)" },
          { to: "sku", formula: 'TEXTJOIN("+", TRUE, skus) & " " & pieces' },
        ],
      },
      { id: "write", kind: "write", connection: "Shop", sink: "stock", operation: "upsert", match: ["key"] },
    ];
    const links = steps.slice(1).map(({ id }, at) => ({
      from: steps[at]!.id,
      to: id,
      ...(steps[at]!.id === "ask" ? { port: "yes" } : {}),
    }));
    const flowId = await publishedFlow(ctx, { ...listener("stock"), name: "Ship", steps, links });
    const event = (no: number, products: number[]) => ({
      ...{ topic: "orders", id: `o${no}`, source: "/test", type: "lines", time: new Date().toISOString() },
      data: { no, lines: products.map((product) => ({ product, n: product })) },
    });
    const events = [event(1, [1, 2]), event(2, [2]), event(3, [9]), event(4, [])];
    expect(await publishEvents(database.pool, ctx.workspaceId, events, "test")).toBe(4);
    await until(async () => (await runsOf(flowId)).length === 4, "four runs");
    const runs = await Promise.all((await runsOf(flowId)).map(({ id }) => getRun(ctx, id)));
    expect(runs.every(({ balanced }) => balanced)).toBe(true);
    expect(runs.map(({ run: { counts } }) => [counts.read, counts.held, counts.dead, counts.filtered])).toEqual([
      [1, 1, 0, 0],
      [1, 1, 0, 0],
      [1, 0, 1, 0],
      [1, 0, 0, 1],
    ]);
    const first = Object.fromEntries(runs[0]!.steps.map((step) => [step.id, step]));
    expect(first.lines).toMatchObject({ in: 1, made: 1, out: 2 });
    expect(first.sum).toMatchObject({ in: 2, joined: 1, out: 1 });
    expect(first.ask).toMatchObject({ in: 1, held: 1, out: 0 });
    const { items } = await listApprovals(ctx, { state: "open", limit: 10 });
    expect(items.map(({ run }) => run)).toEqual(runs.slice(0, 2).map(({ run }) => run.id));
    await answerApprovals(ctx, { ids: items.map(({ id }) => id), decision: "yes" });
    for (const id of await startContinuations(database.pool)) await runToEnd(database, id);
    expect((await shop.query("SELECT key, sku FROM stock ORDER BY key")).rows).toEqual([
      { key: "1", sku: "A+B 3" },
      { key: "2", sku: "B 2" },
    ]);
  });

  test("events can start events: a chain of flows", async () => {
    const chain = {
      ...listener("stock"),
      name: "Relay",
      steps: [
        { id: "order", kind: "event", topic: "orders" },
        { id: "tell", kind: "publish", topic: "relayed" },
      ],
      links: [{ from: "order", to: "tell" }],
    };
    await publishedFlow(ctx, chain);
    await publishedFlow(ctx, listener("stock", { topic: "relayed" }));
    await shop.query("INSERT INTO orders SELECT i, 'x' FROM generate_series(1, 5) i");
    await runFlow(database, ctx, await publishedFlow(ctx, publisher()));
    await until(async () => (await countIn("stock")) === 5, "all came through both topics");
  });
});

describe("POST /topics/:topic/events", () => {
  async function post(body: unknown, headers: { [name: string]: string } = {}, path = "/topics/orders/events") {
    const { token } = await createToken(ctx, { name: "Shop", role: "operator" });
    const response = await fetch(`${world.url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as { ids: string[]; accepted: number } };
  }
  const event = (id: string) => ({
    specversion: "1.0",
    id,
    source: "/shop",
    type: "order.created",
    data: { id, sku: "x" },
  });

  test("takes CloudEvents in every mode; the same source and id twice are one event", async () => {
    await publishedFlow(ctx, listener("stock"));
    const json = { "content-type": "application/cloudevents+json" };
    expect(await post(event("a"), json)).toEqual({ status: 202, body: { ids: ["a"], accepted: 1 } });
    expect(await post(event("a"), json)).toEqual({ status: 202, body: { ids: ["a"], accepted: 0 } });
    const batch = [event("b"), event("b"), event("c")];
    expect((await post(batch, { "content-type": "application/cloudevents-batch+json" })).body.accepted).toBe(2);
    const binary = { "ce-specversion": "1.0", "ce-id": "d", "ce-source": "/shop", "ce-type": "order.created" };
    expect((await post({ id: "d", sku: "x" }, binary)).body).toEqual({ ids: ["d"], accepted: 1 });
    expect((await post({ id: "e", sku: "x" }, {}, "/topics/orders/events?id=e1")).body.ids).toEqual(["e1"]);
    await until(async () => (await countIn("stock")) === 5, "a to e");
  });

  test("says what does not fit", async () => {
    const wrong = { ...event("a"), specversion: "0.3" };
    const { status, body } = await post(wrong, { "content-type": "application/cloudevents+json" });
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain("specversion");
    expect((await post({}, {}, "/topics/no%20name/events")).status).toBe(400);
  });
});
