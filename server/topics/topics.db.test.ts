import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase as RemoteDatabase } from "../../connectors/testing/postgres-database.ts";
import { answerApprovals } from "../approvals/answer.ts";
import { listApprovals } from "../approvals/list-approvals.ts";
import { closeSessions } from "../connections/session-pool.ts";
import type { ServerContext } from "../context.ts";
import { createFlow } from "../flows/create-flow.ts";
import { publishFlow } from "../flows/publish-flow.ts";
import { removeFlow } from "../flows/remove-flow.ts";
import { verifySignature } from "../intake/signature.ts";
import { getRun } from "../runs/get-run.ts";
import { startContinuations } from "../runs/run-held.ts";
import { startRun } from "../runs/start-run.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { type EventWorker, startEventWorker, until } from "../testing/event-worker.ts";
import { connectDatabase, publishedFlow, runFlow, runToEnd, TEST_BRIEF } from "../testing/flows.ts";
import { requireKnownWorkspaces } from "../testing/known-workspaces.ts";
import { createToken } from "../tokens/tokens.ts";
import { deliverDue, deliverEvents, PAUSES_S } from "./deliver.ts";
import { listSubscriptionDeliveries } from "./list-deliveries.ts";
import { listTopics } from "./list-topics.ts";
import { publishEvents } from "./publish-events.ts";
import { changeSubscription, createSubscription, listSubscriptions, retrySubscription } from "./subscriptions.ts";

process.env.PLUMBLINE_SECRET_KEY ??= "test-test-test-test-test";
process.env.PLUMBLINE_ALLOW_PRIVATE_NETWORK = "true";

let database: TestDatabase;
let remote: RemoteDatabase;
let shop: pg.Pool;
let ctx: ServerContext;
let worker: EventWorker;
let url: string;

beforeAll(async () => {
  database = await testDatabase("topics");
  await requireKnownWorkspaces(database.pool);
  remote = await createTestDatabase("topics_shop");
  shop = new pg.Pool({ connectionString: remote.url });
  shop.on("error", () => {});
  worker = await startEventWorker(database);
  url = `${worker.url}/api/v1`;
});
afterAll(async () => {
  await worker.stop();
  await closeSessions();
  await shop.end();
  await database.drop();
  await remote.drop();
});
beforeEach(async () => {
  ctx = await testContext(database);
  await shop.query(`DROP TABLE IF EXISTS orders, stock, mails;
    CREATE TABLE orders (id int PRIMARY KEY, sku text);
    CREATE TABLE stock (key text PRIMARY KEY, sku text);
    CREATE TABLE mails (key text PRIMARY KEY, sku text CHECK (sku <> 'bad'), type text, at timestamptz)`);
  await connectDatabase(ctx, "Shop", remote.url);
});

const publisher = (publish: object = {}) => ({
  format: "plumbline/1",
  name: "Orders",
  brief: TEST_BRIEF,
  steps: [
    { id: "orders", kind: "read", connection: "Shop", stream: "orders" },
    { id: "tell", kind: "publish", topic: "orders", type: "order.created", subject: "sku", ...publish },
  ],
  links: [{ from: "orders", to: "tell" }],
  settings: { pageSize: 10 },
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
    const response = await fetch(`${url}${path}`, {
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

describe("a subscriber outside", () => {
  type Got = { headers: IncomingHttpHeaders; body: string };
  let receiver: Server;
  let got: Got[];
  let answers: number[];
  let address: string;
  beforeEach(async () => {
    await database.pool.query("DELETE FROM topic_subscription"); // of the test before
    got = [];
    answers = [];
    receiver = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      got.push({ headers: request.headers, body });
      response.writeHead(answers.shift() ?? 204, { "retry-after": "2" }).end();
    });
    await new Promise<void>((listening) => receiver.listen(0, "127.0.0.1", listening));
    address = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook?a=1`;
    return () => void receiver.close();
  });
  const published = async (ids: number[]) => {
    await shop.query("INSERT INTO orders SELECT i, 'x' FROM unnest($1::int[]) i", [ids]);
    await runFlow(database, ctx, await publishedFlow(ctx, publisher()));
  };
  const subscribed = (more: object = {}) =>
    createSubscription(ctx, { topic: "orders", name: "Warehouse", url: address, ...more });

  test("is sent each event as a signed CloudEvent", async () => {
    const { secret } = await subscribed();
    const stopping = new AbortController();
    const delivering = await deliverEvents(database, stopping.signal);
    await published([1, 2]);
    await until(async () => got.length === 2, "both are sent");
    stopping.abort();
    await delivering.stop();
    const [first] = got;
    expect(JSON.parse(first!.body)).toMatchObject({
      specversion: "1.0",
      type: "order.created",
      subject: "x",
      source: expect.stringMatching(/^\/flows\//),
      data: { sku: "x" },
    });
    expect(first!.headers["content-type"]).toBe("application/cloudevents+json");
    const given = { headers: first!.headers, body: Buffer.from(first!.body), nowS: Math.floor(Date.now() / 1000) };
    expect(verifySignature("standard-webhooks", { ...given, secrets: [secret] })).toEqual({ ok: true });
    expect(verifySignature("standard-webhooks", { ...given, secrets: ["another secret"] }).ok).toBe(false);
    expect(await listSubscriptions(ctx)).toMatchObject([{ delivered: 2, pending: 0, failed: 0 }]);
  });

  test("is tried again after a growing pause, under the same id, and given up at last; then by hand", async () => {
    const { id } = await subscribed();
    await published([1]);
    answers = Array(PAUSES_S.length + 1).fill(500);
    let now = Date.now();
    for (const pause of PAUSES_S) {
      expect(await deliverDue(database.pool, new Date(now))).toBe(1);
      expect(await deliverDue(database.pool, new Date(now + pause * 500))).toBe(0);
      now += pause * 1_300;
    }
    expect(await listSubscriptions(ctx)).toMatchObject([{ pending: 1, lastError: expect.stringContaining("500") }]);
    expect(await deliverDue(database.pool, new Date(now))).toBe(1);
    expect(await listSubscriptions(ctx)).toMatchObject([{ pending: 0, failed: 1 }]);
    const { items } = await listSubscriptionDeliveries(ctx, { id, state: "failed", limit: 10 });
    expect(items).toMatchObject([
      {
        type: "order.created",
        subject: "x",
        attempts: PAUSES_S.length + 1,
        nextAt: null,
        error: expect.stringContaining("500"),
      },
    ]);
    expect(await listSubscriptionDeliveries(ctx, { id, state: "pending", limit: 10 })).toEqual({
      items: [],
      next: null,
    });
    const elsewhere = await testContext(database);
    await expect(listSubscriptionDeliveries(elsewhere, { id, limit: 10 })).rejects.toMatchObject({ code: "not-found" });
    expect(new Set(got.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    expect(await retrySubscription(ctx, { id })).toEqual({ deliveries: 1 });
    await deliverDue(database.pool);
    expect(await listSubscriptions(ctx)).toMatchObject([{ delivered: 1, failed: 0 }]);
  });

  test("does not hold up others when it hangs", async () => {
    const hanging = createServer(() => {}); // takes requests and never answers
    await new Promise<void>((listening) => hanging.listen(0, "127.0.0.1", listening));
    let asked = 0;
    hanging.on("request", () => asked++);
    await subscribed({ name: "Hangs", url: `http://127.0.0.1:${(hanging.address() as AddressInfo).port}/` });
    await subscribed();
    const stopping = new AbortController();
    const delivering = await deliverEvents(database, stopping.signal);
    await published(Array.from({ length: 40 }, (_, n) => n));
    await until(async () => got.length === 40, "the other gets all of them", 10_000);
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThanOrEqual(4);
    stopping.abort();
    hanging.closeAllConnections();
    await delivering.stop();
    hanging.close();
    expect(await listSubscriptions(ctx)).toMatchObject([{ name: "Hangs", pending: 40 }, { delivered: 40 }]);
  });

  test("that is down costs its events no attempts: they wait, are tried one at a time, and go on by themselves", async () => {
    await subscribed();
    const { port } = receiver.address() as AddressInfo;
    receiver.closeAllConnections();
    await new Promise((closed) => receiver.close(closed));
    await published(Array.from({ length: 30 }, (_, n) => n));
    let now = Date.now();
    expect(await deliverDue(database.pool, new Date(now))).toBe(4);
    const [down] = await listSubscriptions(ctx);
    expect(down).toMatchObject({ pending: 30, failed: 0, down: { since: new Date(now).toISOString() } });
    const firstTry = Date.parse(down!.down!.nextTryAt!) - now;
    expect(firstTry).toBeGreaterThan(2_000);
    expect(firstTry).toBeLessThan(4_000);
    expect(await deliverDue(database.pool, new Date(now + 1_000))).toBe(0);
    // two hours, a try a minute at most: far more than any event has attempts
    let tries = 0;
    for (const end = now + 7_200_000; now < end; now += 5_000) tries += await deliverDue(database.pool, new Date(now));
    expect(tries).toBeGreaterThan(90);
    const { rows } = await database.pool.query(
      "SELECT max(attempts) AS most, count(*)::int AS n FROM topic_delivery WHERE state = 'pending'",
    );
    expect(rows).toEqual([{ most: 0, n: 30 }]);
    receiver = createServer((request, response) => {
      got.push({ headers: request.headers, body: "" });
      request.resume();
      response.writeHead(got.length === 1 ? 503 : 204).end();
    });
    await new Promise<void>((listening) => receiver.listen(port, "127.0.0.1", listening));
    // one shows that it is still busy, one that it is back; then all go at once
    expect(await deliverDue(database.pool, new Date(now + 70_000))).toBe(1);
    expect(await listSubscriptions(ctx)).toMatchObject([{ pending: 30, down: { since: expect.any(String) } }]);
    expect(await deliverDue(database.pool, new Date(now + 140_000))).toBe(1);
    expect(await listSubscriptions(ctx)).toMatchObject([{ pending: 29, delivered: 1, down: null }]);
    for (let round = 0; round < 8; round++) await deliverDue(database.pool, new Date(now + 141_000));
    expect(await listSubscriptions(ctx)).toMatchObject([{ pending: 0, delivered: 30, failed: 0, down: null }]);
    expect(new Set(got.map(({ headers }) => headers["webhook-id"])).size).toBe(30);
  }, 60_000);

  test("may answer with any body: its status says that it took the event", async () => {
    const page = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("OK");
    });
    await new Promise<void>((listening) => page.listen(0, "127.0.0.1", listening));
    await subscribed({ url: `http://127.0.0.1:${(page.address() as AddressInfo).port}/` });
    await published([1]);
    await deliverDue(database.pool);
    page.closeAllConnections();
    page.close();
    expect(await listSubscriptions(ctx)).toMatchObject([{ delivered: 1, pending: 0, lastError: null }]);
  });

  test("behind a gateway that gets no answer is down too", async () => {
    await subscribed();
    await published([1]);
    answers = [502, 504];
    const now = Date.now();
    await deliverDue(database.pool, new Date(now));
    await deliverDue(database.pool, new Date(now + 10_000));
    expect(got).toHaveLength(2);
    const { rows } = await database.pool.query("SELECT attempts FROM topic_delivery");
    expect(rows).toEqual([{ attempts: 0 }]);
    expect(await listSubscriptions(ctx)).toMatchObject([{ down: {}, lastError: expect.stringContaining("504") }]);
    await deliverDue(database.pool, new Date(now + 80_000));
    expect(await listSubscriptions(ctx)).toMatchObject([{ delivered: 1, down: null }]);
  });

  test("that allows no more just now is given the time it asks for, at no cost of attempts", async () => {
    await subscribed();
    await published([1, 2]);
    let now = Date.now();
    for (let round = 0; round < 20; round++, now += 2_000) {
      answers = [429, 429];
      expect(await deliverDue(database.pool, new Date(now))).toBe(round === 0 ? 2 : 1);
      expect(await deliverDue(database.pool, new Date(now + 1_900))).toBe(0); // it asks for two seconds
    }
    const { rows } = await database.pool.query("SELECT attempts, state FROM topic_delivery");
    expect(rows).toEqual([
      { attempts: 0, state: "pending" },
      { attempts: 0, state: "pending" },
    ]);
    answers = [];
    await deliverDue(database.pool, new Date(now));
    await deliverDue(database.pool, new Date(now));
    expect(await listSubscriptions(ctx)).toMatchObject([{ delivered: 2, pending: 0, down: null }]);
  });

  test("that answers 410 is paused, and keeps what waits until a person decides", async () => {
    const { id } = await subscribed();
    await published([1, 2]);
    answers = [410, 410];
    await deliverDue(database.pool);
    expect(await listSubscriptions(ctx)).toMatchObject([
      { paused: true, pending: 2, failed: 0, lastError: expect.stringContaining("wants no more events") },
    ]);
    expect(await deliverDue(database.pool, new Date(Date.now() + 90_000))).toBe(0);
    await changeSubscription(ctx, { id, paused: false });
    await deliverDue(database.pool);
    expect(await listSubscriptions(ctx)).toMatchObject([{ paused: false, delivered: 2 }]);
  });

  test("that was repaired is tried at once by hand; what waited keeps its number of attempts", async () => {
    const { id } = await subscribed();
    await published([1]);
    answers = [500, 500];
    await deliverDue(database.pool);
    expect(await deliverDue(database.pool)).toBe(0); // it waits for its next try
    expect(await retrySubscription(ctx, { id })).toEqual({ deliveries: 1 });
    expect(await deliverDue(database.pool)).toBe(1);
    const { rows } = await database.pool.query("SELECT attempts FROM topic_delivery");
    expect(rows).toEqual([{ attempts: 2 }]);
    await retrySubscription(ctx, { id });
    await deliverDue(database.pool);
    expect(await listSubscriptions(ctx)).toMatchObject([{ delivered: 1, pending: 0 }]);
  });

  test("is sent chosen events again, and not the others that were given up", async () => {
    const { id } = await subscribed();
    await published([1, 2, 3]);
    await database.pool.query("UPDATE topic_delivery SET state = 'failed', attempts = 11");
    const { items } = await listSubscriptionDeliveries(ctx, { id, limit: 10 });
    const { token } = await createToken(ctx, { name: "Admin", role: "admin" });
    const again = async (body?: object) => {
      const headers = { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) };
      const sent = body ? { body: JSON.stringify(body) } : {};
      const response = await fetch(`${url}/subscriptions/${id}/retry`, { method: "POST", headers, ...sent });
      return { status: response.status, body: await response.json() };
    };
    const chosen = { events: [items[1]!.id, items[1]!.id, "987654321"] };
    expect(await again(chosen)).toMatchObject({ status: 200, body: { deliveries: 1 } });
    expect(await deliverDue(database.pool)).toBe(1);
    expect(await listSubscriptions(ctx)).toMatchObject([{ delivered: 1, failed: 2, pending: 0 }]);
    expect((await listSubscriptionDeliveries(ctx, { id, state: "delivered", limit: 10 })).items).toMatchObject([
      { id: items[1]!.id, attempts: 1 },
    ]);
    expect(await again({ events: ["x"] })).toMatchObject({ status: 400 });
    expect(await again()).toMatchObject({ status: 200, body: { deliveries: 2 } });
  });

  test("that stays down is sent nothing older than about three days; it can be tried by hand", async () => {
    const { id } = await subscribed({ url: "http://127.0.0.1:9/" });
    await published([1, 2]);
    const now = Date.now();
    await deliverDue(database.pool, new Date(now));
    await database.pool.query(
      "UPDATE topic_event SET stored_at = stored_at - interval '4 days' WHERE id = (SELECT min(event_id) FROM topic_delivery)",
    );
    await retrySubscription(ctx, { id });
    expect(await deliverDue(database.pool, new Date(Date.now() + 1_000))).toBe(1);
    expect(await listSubscriptions(ctx)).toMatchObject([
      { pending: 1, failed: 1, down: { since: new Date(now).toISOString() } },
    ]);
  });

  test("does not hold up others when it is down, and gets only the types it wants", async () => {
    await subscribed({ name: "Down", url: "http://127.0.0.1:9/" });
    await subscribed({ types: ["order.created"] });
    await subscribed({ name: "Other", types: ["order.cancelled"] });
    await published([1]);
    expect(await deliverDue(database.pool)).toBe(2);
    expect(got).toHaveLength(1);
    expect(await listSubscriptions(ctx)).toMatchObject([
      { name: "Down", pending: 1 },
      { name: "Other", pending: 0, delivered: 0 },
      { name: "Warehouse", delivered: 1 },
    ]);
  });
});
