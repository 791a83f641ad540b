import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createConnection } from "../connections/change-connections.ts";
import { closeCircuit } from "../connections/guard/circuit.ts";
import type { ServerContext } from "../context.ts";
import { startRun } from "../runs/start-run.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { type EventWorker, postEvent, runEnded, startEventWorker, until } from "../testing/event-worker.ts";
import { publishedFlow, runToEnd, TEST_BRIEF } from "../testing/flows.ts";
import { gatedBooks } from "../testing/gated-books.ts";

process.env.PLUMBLINE_SECRET_KEY ??= "test-test-test-test-test";
process.env.PLUMBLINE_ALLOW_PRIVATE_NETWORK = "true";

let database: TestDatabase;
let ctx: ServerContext;
let worker: EventWorker;
beforeAll(async () => {
  database = await testDatabase("unknown_answers");
  ctx = await testContext(database);
  worker = await startEventWorker(database);
});
afterAll(async () => {
  await worker.stop();
  await database.drop();
});

const document = (steps: object[], links: object[], name: string) => ({
  format: "plumbline/1",
  name,
  brief: TEST_BRIEF,
  steps,
  links,
});

/** A target that can neither be asked nor knows a repeat: it takes the first record, loses the answer and goes down. */
it("an event whose answer was lost goes to a person and is not sent again, though its batch has to wait", async () => {
  const taken: string[] = [];
  let server: Server;
  const listen = async (port: number) => {
    server = createServer((request, response) => {
      let body = "";
      request.on("data", (part) => {
        body += part;
      });
      request.on("end", () => {
        if (request.method !== "POST") return void response.writeHead(404).end("{}");
        taken.push(JSON.parse(body).number);
        if (taken.length > 1) return void response.writeHead(201, { "content-type": "application/json" }).end("{}");
        server.close();
        server.closeAllConnections();
      });
    }).listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const port = await listen(0);
  const { id: connectionId } = await createConnection(ctx, {
    name: "Blind",
    connector: "http",
    settings: {
      baseUrl: `http://127.0.0.1:${port}`,
      sinks: [{ name: "invoices", key: [], create: { path: "/invoices" }, concurrency: 1 }],
    },
  });
  const steps = [
    { id: "hook", kind: "webhook" },
    { id: "map", kind: "map", fields: [{ to: "number", from: "id" }] },
    { id: "write", kind: "write", connection: "Blind", sink: "invoices", operation: "insert" },
  ];
  const links = [
    { from: "hook", to: "map" },
    { from: "map", to: "write" },
  ];
  const flowId = await publishedFlow(ctx, document(steps, links, "Blind"));
  const hook = await worker.hookOf(flowId);
  await database.db.flow.update({ where: { id: flowId }, data: { paused: true } });
  const ids = [(await postEvent(hook, { id: "a" })).body.id, (await postEvent(hook, { id: "b" })).body.id];
  await database.db.flow.update({ where: { id: flowId }, data: { paused: false } });
  await until(
    async () =>
      (await database.pool.query("SELECT 1 FROM inbox_drain WHERE flow_id = $1 AND wait_reason IS NOT NULL", [flowId]))
        .rowCount === 1,
    "the batch to wait",
    60_000,
  );
  expect(taken).toEqual(["a"]);
  await listen(port);
  await closeCircuit(database.pool, { id: connectionId, workspaceId: ctx.workspaceId });
  await database.pool.query("UPDATE inbox_drain SET resume_at = now() - interval '1 second', wait_reason = NULL");
  const [a, b] = await Promise.all(ids.map((id) => runEnded(ctx, id)));
  expect(a!.run).toMatchObject({ state: "succeeded_with_errors", counts: { read: 1, dead: 1 } });
  expect(b!.run).toMatchObject({ state: "succeeded", counts: { read: 1, created: 1 } });
  expect(taken).toEqual(["a", "b"]);
  const { rows } = await database.pool.query("SELECT code, key FROM dead_letter WHERE flow_id = $1", [flowId]);
  expect(rows).toMatchObject([{ code: "may-have-arrived" }]);
  server!.close();
}, 120_000);

it("a batch that loses its hold leaves in doubt only what was under way, not what was answered before", async () => {
  const books = await gatedBooks();
  await createConnection(ctx, {
    name: "Blind books",
    connector: "http",
    settings: { baseUrl: books.url, sinks: [{ name: "invoices", key: [], create: { path: "/invoices" } }] },
  });
  const steps = [
    { id: "hook", kind: "webhook" },
    { id: "map", kind: "map", fields: [{ to: "number", from: "id" }] },
    { id: "write", kind: "write", connection: "Blind books", sink: "invoices", operation: "insert" },
  ];
  const links = [
    { from: "hook", to: "map" },
    { from: "map", to: "write" },
  ];
  const flowId = await publishedFlow(ctx, document(steps, links, "Blind books"));
  const hook = await worker.hookOf(flowId);
  await database.db.flow.update({ where: { id: flowId }, data: { paused: true } });
  const ids: string[] = [];
  for (let n = 0; n < 60; n++) ids.push((await postEvent(hook, { id: `n${n}` })).body.id);
  books.onTaken = () => {
    if (books.taken.length >= 40) books.writes = "hold";
  };
  await database.db.flow.update({ where: { id: flowId }, data: { paused: false } });
  await until(async () => books.held() > 0, "an answer is held back");
  // as another worker does that takes this one for dead
  await database.pool.query("UPDATE inbox_drain SET lease_token = lease_token + 1 WHERE flow_id = $1", [flowId]);
  books.onTaken = () => {};
  books.writes = "answer";
  books.release();
  const runs = await Promise.all(ids.map((id) => runEnded(ctx, id)));
  expect(new Set(books.taken).size).toBe(60);
  expect(books.taken).toHaveLength(60); // none twice
  const doubtful = runs.filter(({ run }) => run.counts.dead === 1).length;
  expect(doubtful).toBeGreaterThan(0);
  expect(doubtful).toBeLessThanOrEqual(25);
  expect(runs.filter(({ run }) => run.counts.created === 1)).toHaveLength(60 - doubtful);
  await books.close();
}, 60_000);

it("a flow that starts with a topic's events is tried with the last of them, and not started by hand", async () => {
  const steps = [
    { id: "heard", kind: "event", topic: "orders" },
    { id: "tell", kind: "publish", topic: "stock" },
  ];
  const flowId = await publishedFlow(ctx, document(steps, [{ from: "heard", to: "tell" }], "Heard"));
  await expect(startRun(ctx, { flowId, mode: "live" })).rejects.toMatchObject({ code: "waits-for-events" });
  const { id } = await startRun(ctx, { flowId, mode: "dry" });
  await runToEnd(database, id);
  const { rows } = await database.pool.query("SELECT state, error FROM run WHERE id = $1", [id]);
  expect(rows).toEqual([{ state: "succeeded", error: null }]);
});
