/** Events as they come in real life: odd text, long numbers, forms, XML, and senders that wait for what cannot be said yet. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ServerContext } from "../context.ts";
import { databaseUrlOf } from "../db/prisma.ts";
import { replayLetters } from "../dead-letters/replay-letters.ts";
import { createFlow } from "../flows/create-flow.ts";
import { getFlow } from "../flows/get-flow.ts";
import { pauseFlow } from "../flows/pause-flow.ts";
import { publishFlow } from "../flows/publish-flow.ts";
import { resumeFlow } from "../flows/resume-flow.ts";
import { Hooks } from "../intake/hooks.ts";
import type { TestDatabase } from "../testing/database.ts";
import { type EventWorker, postEvent, runEnded, until } from "../testing/event-worker.ts";
import { type EventWorld, eventWorld } from "../testing/event-world.ts";
import { publishedFlow, runToEnd, TEST_BRIEF } from "../testing/flows.ts";
import { listDeliveries } from "./list-deliveries.ts";

let database: TestDatabase;
let books: TestDatabase;
let ctx: ServerContext;
let worker: EventWorker;

let end: EventWorld["end"];
beforeAll(async () => {
  ({ database, books, ctx, worker, end } = await eventWorld(
    "odd_events",
    "CREATE TABLE orders (id text PRIMARY KEY, name text, total numeric CHECK (total < 1e30))",
  ));
});
afterAll(() => end());

const write = { id: "write", kind: "write", connection: "books", sink: "orders", operation: "upsert", match: ["id"] };
const map = {
  id: "map",
  kind: "map",
  fields: [
    { to: "id", from: "id" },
    { to: "name", from: "name" },
    { to: "total", formula: "NUMBER(total)" },
  ],
};

async function publish(name: string, webhook: object = {}, settings: object = {}, before: object[] = []) {
  const steps = [{ id: "hook", kind: "webhook", ...webhook }, ...before, map, write];
  const links = steps.slice(1).map((step, at) => ({
    from: (steps[at] as { id: string }).id,
    to: (step as { id: string }).id,
    ...((steps[at] as { kind: string }).kind === "approve" ? { port: "yes" } : {}),
  }));
  const flowId = await publishedFlow(ctx, { format: "plumbline/1", name, brief: TEST_BRIEF, steps, links, settings });
  return { flowId, hook: await worker.hookOf(flowId) };
}
const row = async (id: string) => (await books.pool.query("SELECT * FROM orders WHERE id = $1", [id])).rows[0];

describe("text no database keeps", () => {
  it("is an outcome with a reason, and holds up nothing behind it", async () => {
    const { flowId, hook } = await publish("Odd text", {}, { order: "by-key", key: "id" });
    const odd = [
      '{"id":"a\\u0000b","name":"x","total":1}',
      '{"id":"a\\ud800b","name":"x","total":1}',
      '{"id":"c","name":"tail\\ud83d","total":1}',
      '{"id":"d","name":"x\\u0000","total":"not a number"}',
      '{"id\\u0000":"e","name\\udc00":"x"}',
    ];
    const runs: string[] = [];
    for (const body of odd) runs.push((await postEvent(hook, body)).body.id);
    const { body } = await postEvent(hook, { id: "behind", name: "fine", total: 1 });
    await runEnded(ctx, body.id);
    expect(await row("behind")).toMatchObject({ name: "fine" });
    for (const id of runs)
      expect(await runEnded(ctx, id)).toMatchObject({ balanced: true, run: { counts: { read: 1, dead: 1 } } });
    const { rows } = await database.pool.query(
      "SELECT key, code, data->>'name' AS name FROM dead_letter WHERE flow_id = $1 ORDER BY run_id",
      [flowId],
    );
    expect(rows.map(({ key }) => key).slice(0, 4)).toEqual(["a\\u0000b", "a\\ud800b", "c", "d"]);
    expect(rows[2]).toMatchObject({ code: "value-refused", name: "tail\ufffd" });
  });
});

describe("a list of events that have ids of their own", () => {
  it("is as many events: one may have come before, the one beside it not", async () => {
    const { flowId, hook } = await publish("Lists", { eventId: "id" });
    const one = (id: string, name = "first") => ({ id, name, total: 1 });
    const first = await postEvent(hook, [one("l1"), one("l2")]);
    const second = await postEvent(hook, [one("l1", "again"), one("l3")]);
    const [l1, l2] = first.body.ids ?? [];
    const [again, l3] = second.body.ids ?? [];
    expect(first.body).toEqual({ id: l1, ids: [l1, l2] });
    expect(second.body).toEqual({ id: l1, ids: [l1, l3] });
    expect(again).toBe(l1);
    for (const id of [l1, l2, l3])
      expect(await runEnded(ctx, id!)).toMatchObject({ balanced: true, run: { counts: { read: 1, created: 1 } } });
    expect(await row("l1")).toMatchObject({ name: "first" });
    const { items } = await listDeliveries(ctx, { flowId, limit: 10 });
    expect(items.map(({ eventId, repeats }) => [eventId, repeats])).toEqual([
      ["l3", 0],
      ["l2", 0],
      ["l1", 1],
    ]);
    expect((await postEvent(hook, [one("l1"), one("l3")])).body).toEqual({ id: l1, ids: [l1, l3], repeat: true });
  });

  it("stays one event where the sender waits for the answer", async () => {
    const { hook } = await publish("Lists, answered", { eventId: "id", wait: true });
    const list = (...ids: string[]) => ids.map((id) => ({ id, name: "x", total: 1 }));
    expect(await postEvent(hook, list("m1", "m2"))).toMatchObject({ status: 200, body: [{ id: "m1" }, { id: "m2" }] });
    expect(await postEvent(hook, list("m1", "m3"))).toMatchObject({ status: 200, body: [{ id: "m1" }, { id: "m3" }] });
    expect(await row("m3")).toBeDefined();
  });
});

describe("a correction of a nested field", () => {
  it("goes where every step reads it", async () => {
    // a formula reads the nested field only
    const byFormula = unwrap.fields.map(({ to, from }) => ({ to, formula: from }));
    const check = { id: "check", kind: "check", rules: [{ field: "order.name", is: "text", minLength: 3 }] };
    const { flowId, hook } = await publish("Nested", {}, {}, [check, { ...unwrap, fields: byFormula }]);
    await runEnded(ctx, (await postEvent(hook, { order: { id: "n1", name: "", total: 1 } })).body.id);
    const { rows } = await database.pool.query<{ id: string }>("SELECT id FROM dead_letter WHERE flow_id = $1", [
      flowId,
    ]);
    const { id } = await replayLetters(ctx, {
      ids: rows.map((letter) => letter.id),
      patch: { "order.name": "Anna" },
      from: "step",
      version: "live",
    });
    await runToEnd(database, id);
    expect(await row("n1")).toMatchObject({ name: "Anna" });
  });
});

describe("long numbers", () => {
  it("keep every digit from the body to the row", async () => {
    const { hook } = await publish("Long numbers", { wait: true });
    const body = '{"id":12345678901234567,"name":"n","total":90071992547409.93}';
    expect(await postEvent(hook, body)).toMatchObject({
      status: 200,
      body: { id: "12345678901234567", total: "90071992547409.93" },
    });
    expect(await row("12345678901234567")).toMatchObject({ total: "90071992547409.93" });
    expect(await postEvent(hook, '{"id":"inf","name":"n","total":1e999}')).toMatchObject({ status: 422 });
  });
});

describe("bodies that are not JSON", () => {
  it("are records too: forms with files, XML in its own encoding", async () => {
    const { hook } = await publish("Forms");
    const form = new FormData();
    form.set("id", "form");
    form.set("name", "Zoë");
    form.set("total", "3.5");
    form.set("file", new Blob(["a,b"], { type: "text/csv" }), "lines.csv");
    const sent = await fetch(hook, { method: "POST", body: form });
    expect(sent.status).toBe(202);
    await runEnded(ctx, ((await sent.json()) as { id: string }).id);
    expect(await row("form")).toMatchObject({ name: "Zoë", total: "3.5" });
    const cut = await fetch(hook, {
      method: "POST",
      headers: { "content-type": "multipart/form-data; boundary=x" },
      body: '--x\r\ncontent-disposition: form-data; name="id"\r\n\r\n7',
    });
    expect(cut.status).toBe(400);
    expect(await cut.json()).toMatchObject({ error: { code: "not-form" } });
    const xml =
      '<?xml version="1.0" encoding="ISO-8859-1"?><order><id>xml</id><name>Jürgen</name><total>7</total></order>';
    const posted = await fetch(await (await publish("XML", {}, {}, [unwrap])).hook, {
      method: "POST",
      headers: { "content-type": "application/xml" },
      body: Buffer.from(xml, "latin1"),
    });
    expect(posted.status).toBe(202);
    await runEnded(ctx, ((await posted.json()) as { id: string }).id);
    expect(await row("xml")).toMatchObject({ name: "Jürgen", total: "7" });
  });
});

const unwrap = {
  id: "unwrap",
  kind: "map",
  fields: ["id", "name", "total"].map((name) => ({ to: name, from: `order.${name}` })),
};

describe("a sender that waits", () => {
  it("is told 202 while the event is held, by a person or behind a dead letter of its key", async () => {
    const asked = await publish("Asked", { wait: true, timeout: "5s" }, {}, [{ id: "ask", kind: "approve" }]);
    const held = await postEvent(asked.hook, { id: "H1", name: "x", total: 1 });
    expect(held).toMatchObject({ status: 202, body: { id: expect.any(String), held: true } });
    expect(held.headers.get("plumbline-outcome")).toBe("held");
    const ordered = await publish("Ordered", { wait: true, timeout: "5s" }, { order: "by-key", key: "id" });
    expect(await postEvent(ordered.hook, { id: "H2", name: "x", total: "none" })).toMatchObject({ status: 422 });
    expect(await postEvent(ordered.hook, { id: "H2", name: "x", total: 1 })).toMatchObject({
      status: 202,
      body: { held: true },
    });
    expect(await row("H2")).toBeUndefined();
  });

  it("is told at once that the flow is stopped, and gets the result of what was worked on before", async () => {
    const { flowId, hook } = await publish("Stopped", { wait: true, timeout: "60s", eventId: "id" });
    expect(await postEvent(hook, { id: "P1", name: "x", total: 1 })).toMatchObject({ status: 200, body: { id: "P1" } });
    await pauseFlow(ctx, flowId);
    const kept = await postEvent(hook, { id: "P2", name: "x", total: 1 });
    expect(kept).toMatchObject({ status: 202, body: { id: expect.any(String), paused: true } });
    const repeat = await postEvent(hook, { id: "P2", name: "x", total: 1 });
    expect(repeat).toMatchObject({ status: 202, body: kept.body });
    expect(await postEvent(hook, { id: "P1", name: "x", total: 1 })).toMatchObject({ status: 200, body: { id: "P1" } });
    expect(await row("P2")).toBeUndefined();
    await resumeFlow(ctx, flowId);
    await until(async () => (await row("P2")) !== undefined, "its event was kept");
  });
});

describe("an address", () => {
  it("is known as soon as it is published, also when it was asked for before this process listened to changes", async () => {
    const fresh = new Hooks(database.pool, databaseUrlOf(database.db));
    const { id } = await createFlow(ctx, {
      ...{ format: "plumbline/1", name: "Asked early", brief: TEST_BRIEF },
      steps: [{ id: "hook", kind: "webhook" }, { ...map, fields: map.fields.slice(0, 1) }, write],
      links: [
        { from: "hook", to: "map" },
        { from: "map", to: "write" },
      ],
    });
    const { hookKey } = await database.db.flow.findUniqueOrThrow({ where: { id } });
    expect(await fresh.find(hookKey ?? "")).toBeNull();
    await publishFlow(ctx, { flowId: id, note: "test" });
    await until(async () => await fresh.find(hookKey ?? ""), "the address is known", 1_500);
    await fresh.close();
  });
});

describe("learnt fields", () => {
  it("also come from events that follow the first at once", async () => {
    const { flowId, hook } = await publish("Learns late");
    await runEnded(ctx, (await postEvent(hook, { id: "L1", name: "x", total: 1 })).body.id);
    await sleep(300);
    await runEnded(ctx, (await postEvent(hook, { id: "L2", name: "x", total: 1, coupon: "SPRING" })).body.id);
    const found = await until(
      async () => {
        const { validation } = await getFlow(ctx, flowId);
        return validation.shapes.hook?.output.out?.fields.find(({ name }) => name === "coupon");
      },
      "the second event's field is learnt",
      20_000,
    );
    expect(found).toMatchObject({ type: "text", nullable: true });
  });
});
