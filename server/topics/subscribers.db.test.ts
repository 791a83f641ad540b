import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ServerContext } from "../context.ts";
import { verifySignature } from "../intake/signature.ts";
import { testContext } from "../testing/context.ts";
import { until } from "../testing/event-worker.ts";
import { publishedFlow, runFlow } from "../testing/flows.ts";
import { publisher, type TopicWorld, topicWorld } from "../testing/topic-world.ts";
import { createToken } from "../tokens/tokens.ts";
import { deliverDue, deliverEvents, PAUSES_S } from "./deliver.ts";
import { listSubscriptionDeliveries } from "./list-deliveries.ts";
import { changeSubscription, createSubscription, listSubscriptions, retrySubscription } from "./subscriptions.ts";

let world: TopicWorld;
let database: TopicWorld["database"];
let shop: TopicWorld["shop"];
let ctx: ServerContext;

beforeAll(async () => {
  world = await topicWorld("subscribers");
  ({ database, shop } = world);
});
afterAll(() => world.end());
beforeEach(async () => {
  ctx = await world.fresh();
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
      const response = await fetch(`${world.url}/subscriptions/${id}/retry`, { method: "POST", headers, ...sent });
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
