import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeCircuit } from "../connections/guard/circuit.ts";
import type { ServerContext } from "../context.ts";
import { subscribe } from "../db/listen.ts";
import { databaseUrlOf } from "../db/prisma.ts";
import { getFlow } from "../flows/get-flow.ts";
import { setHookSecret } from "../intake/flow-secrets.ts";
import { journeyOf } from "../ledger/journey.ts";
import { getRun } from "../runs/get-run.ts";
import { listChanges } from "../runs/list-changes.ts";
import { startRun } from "../runs/start-run.ts";
import { undoRun } from "../runs/undo-run.ts";
import { undoSince } from "../runs/undo-since.ts";
import { Cable } from "../testing/cable.ts";
import { testContext } from "../testing/context.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { type EventWorker, postEvent, runEnded, until } from "../testing/event-worker.ts";
import { type EventWorld, eventWorld } from "../testing/event-world.ts";
import { connectDatabase, publishedFlow, runToEnd, TEST_BRIEF } from "../testing/flows.ts";
import { requireKnownWorkspaces } from "../testing/known-workspaces.ts";
import { listDeliveries } from "./list-deliveries.ts";
import { replayDelivery } from "./replay-delivery.ts";
import { wakeEventsOf } from "./wait-events.ts";

let database: TestDatabase;
let books: TestDatabase;
let ctx: ServerContext;
let worker: EventWorker;

let end: EventWorld["end"];
beforeAll(async () => {
  ({ database, books, ctx, worker, end } = await eventWorld(
    "events",
    "CREATE TABLE invoices (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, external_id text NOT NULL UNIQUE, total numeric(12,2) CHECK (total < 1000), note text)",
  ));
  await requireKnownWorkspaces(database.pool);
});
afterAll(() => end());

function flowDocument(name: string, webhook: object = {}, settings: object = {}) {
  return {
    format: "plumbline/1",
    name,
    brief: TEST_BRIEF,
    steps: [
      { id: "hook", kind: "webhook", ...webhook },
      { id: "check", kind: "check", rules: [{ field: "total", is: "number", min: 0 }], otherwise: "dead" },
      {
        id: "map",
        kind: "map",
        fields: [
          { to: "external_id", from: "id" },
          { to: "total", from: "total" },
          { to: "note", formula: '"from " & id' },
        ],
      },
      {
        id: "write",
        kind: "write",
        connection: "books",
        sink: "invoices",
        operation: "upsert",
        match: ["external_id"],
      },
    ],
    links: [
      { from: "hook", to: "check" },
      { from: "check", to: "map" },
      { from: "map", to: "write" },
    ],
    settings,
  };
}

const hookOf = (flowId: string) => worker.hookOf(flowId);

const rowOf = async (pool: pg.Pool, id: string) =>
  (await pool.query("SELECT * FROM invoices WHERE external_id = $1", [id])).rows[0];

const ended = (id: string) => runEnded(ctx, id);

describe("an event", () => {
  let hook: string;
  let flowId: string;
  beforeAll(async () => {
    flowId = await publishedFlow(ctx, flowDocument("Events"));
    hook = await hookOf(flowId);
  });

  it("is stored, answered with its number, written, and a run in the history", async () => {
    const { status, body } = await postEvent(hook, { id: "A1", total: 12.5 });
    expect(status).toBe(202);
    const { run, steps, balanced } = await ended(body.id);
    expect(run).toMatchObject({
      state: "succeeded",
      kind: "flow",
      trigger: "webhook",
      counts: { read: 1, created: 1 },
    });
    expect(balanced).toBe(true);
    expect(steps).toMatchObject([
      { id: "hook", in: 1, out: 1, ports: { out: 1 } },
      { id: "check", in: 1, out: 1 },
      { id: "map", in: 1, out: 1 },
      { id: "write", in: 1, out: 0, created: 1 },
    ]);
    expect(await rowOf(books.pool, "A1")).toMatchObject({ total: "12.50", note: "from A1" });
    const changes = await listChanges(ctx, { runId: body.id, limit: 10 });
    expect(changes.items).toMatchObject([{ key: "A1", operation: "create", undo: "possible" }]);
    expect(await journeyOf(ctx, { key: "A1" })).toMatchObject([{ run: body.id, event: "written" }]);
  });

  it("that comes again is the same event, also with another body", async () => {
    const first = await postEvent(hook, { id: "R1", total: 1 }, { "webhook-id": "evt-1" });
    const again = await postEvent(hook, { id: "R1", total: 2 }, { "webhook-id": "evt-1" });
    expect(again).toMatchObject({ status: 202, body: { id: first.body.id, repeat: true } });
    await ended(first.body.id);
    expect(await rowOf(books.pool, "R1")).toMatchObject({ total: "1.00" });
    const { rows } = await database.pool.query("SELECT repeats FROM inbox_event WHERE id = $1", [first.body.id]);
    expect(rows).toEqual([{ repeats: 1 }]);
  });

  it("that fails a check is a dead letter of its own run; its neighbours are written", async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        postEvent(hook, { id: `N${n}`, total: n === 7 ? "seven" : n === 9 ? 5000 : n }),
      ),
    );
    const runs = await Promise.all(answers.map(({ body }) => ended(body.id)));
    expect(runs.filter(({ run }) => run.state === "succeeded")).toHaveLength(38);
    expect(runs[7]).toMatchObject({ run: { state: "succeeded_with_errors", counts: { read: 1, dead: 1 } } });
    expect(runs[9]?.steps.find(({ id }) => id === "write")).toMatchObject({ in: 1, dead: 1 });
    const { rows } = await database.pool.query(
      "SELECT run_id::text AS run, step_id AS step FROM dead_letter ORDER BY run_id",
    );
    expect(rows).toEqual([
      { run: answers[7]?.body.id, step: "check" },
      { run: answers[9]?.body.id, step: "write" },
    ]);
  });

  it("that changes nothing is unchanged in its journey", async () => {
    const one = await postEvent(hook, { id: "U1", total: 3 });
    await ended(one.body.id);
    const two = await postEvent(hook, { id: "U1", total: 3 });
    expect((await ended(two.body.id)).run.counts).toMatchObject({ read: 1, unchanged: 1 });
    const journey = await journeyOf(ctx, { key: "U1" });
    expect(journey.map(({ run, outcome }) => [run, outcome])).toEqual([
      [one.body.id, "created"],
      [two.body.id, "unchanged"],
    ]);
  });

  it("of one record in one batch keep their order", async () => {
    const all: string[] = [];
    for (let n = 0; n < 30; n++) all.push((await postEvent(hook, { id: "K", total: n })).body.id);
    await Promise.all(all.map(ended));
    expect(await rowOf(books.pool, "K")).toMatchObject({ total: "29.00" });
    expect((await journeyOf(ctx, { key: "K" })).map(({ run }) => run)).toEqual(all);
  });

  it("is undone like any run", async () => {
    const { body } = await postEvent(hook, { id: "Z1", total: 9 });
    await ended(body.id);
    const undo = await undoRun(ctx, { runId: body.id, preview: false, onConflict: "skip" });
    await runToEnd(database, undo.id);
    expect(await rowOf(books.pool, "Z1")).toBeUndefined();
  });

  it("is undone with all others since a moment, each record by one change", async () => {
    const own = await publishedFlow(ctx, flowDocument("Undone"));
    const at = await hookOf(own);
    await ended((await postEvent(at, { id: "U1", total: 1 })).body.id);
    await sleep(20);
    const { rows } = await database.pool.query<{ now: Date }>("SELECT clock_timestamp() AS now");
    const since = rows[0]?.now.toISOString() ?? "";
    await sleep(20);
    for (const total of [2, 3, 4])
      for (const id of ["U1", "U2"]) await ended((await postEvent(at, { id, total })).body.id);
    const undo = await undoSince(ctx, { flowId: own, since, preview: false, onConflict: "skip" });
    await runToEnd(database, undo.id);
    expect((await getRun(ctx, undo.id)).run).toMatchObject({
      state: "succeeded",
      undoCounts: { read: 2, restored: 2, conflict: 0, failed: 0 },
    });
    expect(await rowOf(books.pool, "U1")).toMatchObject({ total: "1.00" });
    expect(await rowOf(books.pool, "U2")).toBeUndefined();
  });

  it("with a list of records is one run of several", async () => {
    const { body } = await postEvent(hook, [
      { id: "L1", total: 1 },
      { id: "L2", total: "x" },
      { id: "L3", total: 3 },
    ]);
    const { run, steps } = await ended(body.id);
    expect(run).toMatchObject({ state: "succeeded_with_errors", counts: { read: 3, created: 2, dead: 1 } });
    expect(steps.find(({ id }) => id === "check")).toMatchObject({ in: 3, out: 2, dead: 1 });
  });

  it("of a paused flow waits, and goes on when it is resumed", async () => {
    await database.db.flow.update({ where: { id: flowId }, data: { paused: true } });
    const { status, body } = await postEvent(hook, { id: "P1", total: 4 });
    expect(status).toBe(202);
    await sleep(1_300);
    expect(await rowOf(books.pool, "P1")).toBeUndefined();
    expect((await getRun(ctx, body.id)).run).toMatchObject({ state: "queued" });
    await database.db.flow.update({ where: { id: flowId }, data: { paused: false } });
    await ended(body.id);
    expect(await rowOf(books.pool, "P1")).toBeDefined();
  });
});

describe("for people", () => {
  it("deliveries are listed with headers and body, and sent again", async () => {
    const flowId = await publishedFlow(ctx, flowDocument("Deliveries"));
    const hook = await hookOf(flowId);
    const { body } = await postEvent(hook, { id: "D1", total: 1 }, { authorization: "Bearer x", "x-shop": "Lyon" });
    await ended(body.id);
    const again = await replayDelivery(ctx, body.id);
    await ended(again.id);
    const { items } = await listDeliveries(ctx, { flowId, limit: 10 });
    expect(items).toMatchObject([
      { id: again.id, replayOf: body.id, status: "succeeded", sentBy: ctx.actor.name },
      {
        id: body.id,
        status: "succeeded",
        outcome: "created",
        body: '{"id":"D1","total":1}',
        headers: { "x-shop": "Lyon", authorization: "•••" },
        repeats: 0,
      },
    ]);
    const next = await listDeliveries(ctx, { flowId, limit: 1, cursor: items[0]?.id });
    expect(next.items.map(({ id }) => id)).toEqual([body.id]);
    await expect(replayDelivery(await testContext(database), body.id)).rejects.toMatchObject({ code: "not-found" });
  });

  it("fields are learnt, a dry run tries the newest events, and nobody starts it by hand", async () => {
    const flowId = await publishedFlow(ctx, flowDocument("Learns"));
    const hook = await hookOf(flowId);
    await ended((await postEvent(hook, { id: "F1", total: 4, customer: { name: "Ana" } })).body.id);
    const found = await until(async () => {
      const { validation } = await getFlow(ctx, flowId);
      return validation.shapes.hook?.output.out?.fields.length ? validation.shapes.hook.output.out : null;
    }, "fields are learnt");
    expect(found).toMatchObject({
      open: true,
      fields: [{ name: "id" }, { name: "total" }, { name: "customer", type: "record" }],
    });
    await expect(startRun(ctx, { flowId, mode: "live" })).rejects.toMatchObject({ code: "waits-for-events" });
    await books.pool.query("DELETE FROM invoices WHERE external_id = 'F1'");
    const dry = await startRun(ctx, { flowId, mode: "dry" });
    await runToEnd(database, dry.id);
    expect((await getRun(ctx, dry.id)).run).toMatchObject({ state: "succeeded", counts: { read: 1, created: 1 } });
    expect(await rowOf(books.pool, "F1")).toBeUndefined();
  });

  it("signed events are taken with the current secret and the one before, others are refused", async () => {
    const flowId = await publishedFlow(ctx, flowDocument("Signed", { signature: { scheme: "github" } }));
    const hook = await hookOf(flowId);
    const body = JSON.stringify({ id: "S1", total: 1 });
    const signed = (secret: string) => ({
      "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
    });
    expect(await postEvent(hook, body, signed("whatever"))).toMatchObject({
      status: 401,
      body: { error: { code: "signature-not-set" } },
    });
    const { secret } = await setHookSecret(ctx, { flowId });
    await until(async () => (await postEvent(hook, body, signed(secret))).status === 202, "the secret counts");
    await setHookSecret(ctx, { flowId, secret: "given by the sender" });
    await until(
      async () => (await postEvent(hook, body, signed("given by the sender"))).status === 202,
      "the new one counts",
    );
    expect((await postEvent(hook, body, signed(secret))).status).toBe(202);
    expect(await postEvent(hook, body)).toMatchObject({ status: 401, body: { error: { code: "signature-missing" } } });
    expect(await postEvent(hook, body, signed("another"))).toMatchObject({
      status: 401,
      body: { error: { code: "signature-invalid" } },
    });
    const { rows } = await database.pool.query("SELECT secrets FROM flow_secret WHERE flow_id = $1", [flowId]);
    expect(Buffer.from(rows[0].secrets).includes("given by the sender")).toBe(false);
  });
});

describe("a target that is away", () => {
  it("makes events wait without loss, and they go on in order when it is back", async () => {
    const away = await testDatabase("events_away");
    await away.pool.query("CREATE TABLE invoices (external_id text PRIMARY KEY, total numeric, note text)");
    const wire = new Cable(away.url);
    await wire.mend();
    await connectDatabase(ctx, "away", wire.url(away.url));
    const document = flowDocument("Away");
    document.steps[3] = { ...document.steps[3], connection: "away" } as never;
    const hook = await hookOf(await publishedFlow(ctx, document));
    await ended((await postEvent(hook, { id: "first", total: 1 })).body.id);
    wire.cut();
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push((await postEvent(hook, { id: "same", total: n })).body.id);
    await until(
      async () => {
        const { rows } = await database.pool.query("SELECT wait_reason FROM run WHERE id = $1 AND state = 'waiting'", [
          ids[0],
        ]);
        return rows.length > 0;
      },
      "the first event waits",
      30_000,
    );
    ids.push((await postEvent(hook, { id: "same", total: 77 })).body.id);
    await wire.mend();
    // what the worker's probe does when the system answers again
    const connection = await database.db.connection.findFirstOrThrow({ where: { name: "away" } });
    for (const id of await closeCircuit(database.pool, connection)) await wakeEventsOf(database.pool, id);
    await Promise.all(ids.map(ended));
    const { rows } = await away.pool.query("SELECT external_id, total FROM invoices ORDER BY 1");
    expect(rows).toEqual([
      { external_id: "first", total: "1" },
      { external_id: "same", total: "77" },
    ]);
    wire.cut();
    await away.drop();
  }, 90_000);
});

describe("a batch that landed and could not be settled", () => {
  // the first time a run is stored, as a worker that dies between the target's commit and ours
  const brokenOnce = (name: string, how: string) =>
    database.pool.query(
      `CREATE SEQUENCE ${name}_times;
       CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF nextval('${name}_times') = 1 THEN ${how}; END IF; RETURN NULL; END $$;
       CREATE TRIGGER ${name} BEFORE INSERT ON run FOR EACH STATEMENT EXECUTE FUNCTION ${name}()`,
    );

  it.each([
    ["gone", "PERFORM pg_terminate_backend(pg_backend_pid())"],
    ["refused", "RAISE EXCEPTION 'no'"],
  ])("is recognised as landed and not written again: %s", async (name, how) => {
    await books.pool.query(`CREATE TABLE ${name} (id bigint GENERATED ALWAYS AS IDENTITY, event text, n int)`);
    const document = {
      ...flowDocument(`Landed ${name}`),
      steps: [
        { id: "hook", kind: "webhook" },
        { id: "map", kind: "map", fields: [{ to: "event", from: "id" }] },
        { id: "write", kind: "write", connection: "books", sink: name, operation: "insert" },
      ],
      links: [
        { from: "hook", to: "map" },
        { from: "map", to: "write" },
      ],
    };
    const flowId = await publishedFlow(ctx, document);
    const hook = await hookOf(flowId);
    await database.db.flow.update({ where: { id: flowId }, data: { paused: true } });
    const ids: string[] = [];
    for (let n = 0; n < 4; n++) ids.push((await postEvent(hook, { id: `e${n % 2}` })).body.id);
    await brokenOnce(name, how);
    await database.db.flow.update({ where: { id: flowId }, data: { paused: false } });
    const runs = await Promise.all(ids.map(ended));
    await database.pool.query(`DROP TRIGGER ${name} ON run`);
    expect(runs.map(({ run }) => [run.state, run.counts.created])).toEqual(ids.map(() => ["succeeded", 1]));
    const { rows } = await books.pool.query(`SELECT event FROM ${name} ORDER BY id`);
    expect(rows.map(({ event }) => event)).toEqual(["e0", "e1", "e0", "e1"]);
    const ledger = await database.pool.query(
      "SELECT run_id::text AS run FROM change WHERE run_id = ANY($1) AND state = 'done' ORDER BY run_id",
      [ids],
    );
    expect(ledger.rows.map(({ run }) => run)).toEqual(ids);
    await until(
      async () => (await database.pool.query("SELECT 1 FROM inbox_sending")).rowCount === 0,
      "no part stays open",
    );
  });
});

describe("a sender that waits", () => {
  let hook: string;
  beforeAll(async () => {
    hook = await hookOf(
      await publishedFlow(ctx, flowDocument("Answers", { wait: true, timeout: "5s", eventId: "id" })),
    );
  });

  it("gets the mapped record", async () => {
    const answer = await postEvent(hook, { id: "W1", total: 5 });
    expect(answer).toMatchObject({ status: 200, body: { external_id: "W1", total: 5, note: "from W1" } });
    expect(answer.headers.get("plumbline-outcome")).toBe("created");
    expect(await postEvent(hook, { id: "W1", total: 5 })).toMatchObject({ status: 200, body: { external_id: "W1" } });
  });

  it("gets the error", async () => {
    const answer = await postEvent(hook, { id: "W2", total: "many" });
    expect(answer).toMatchObject({
      status: 422,
      body: { error: { code: "check-type", details: { field: "total", step: "check" } } },
    });
  });
});

describe("a lost LISTEN connection", () => {
  it("delays events by a moment at most, and listening comes back", async () => {
    const hook = await hookOf(await publishedFlow(ctx, flowDocument("Deaf")));
    await ended((await postEvent(hook, { id: "heard", total: 1 })).body.id);
    const heard: string[] = [];
    const end = await subscribe("test_listening", (payload) => heard.push(payload), {
      url: databaseUrlOf(database.db),
    });
    const listeners = async () =>
      (
        await database.pool.query<{ pid: number }>(
          "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'plumbline-live'",
        )
      ).rows.map(({ pid }) => pid);
    for (let round = 0; round < 3; round++) {
      const before = await listeners();
      expect(before).toHaveLength(1);
      const id = `deaf${round}`;
      const [{ body }] = await Promise.all([
        postEvent(hook, { id, total: round }),
        database.pool.query("SELECT pg_terminate_backend($1)", [before[0]]),
      ]);
      const sentAt = Date.now();
      await until(() => rowOf(books.pool, id), "the event is written", 5_000);
      expect(Date.now() - sentAt).toBeLessThan(3_000);
      await ended(body.id);
      await until(
        async () => {
          await database.pool.query("SELECT pg_notify('test_listening', $1)", [id]);
          return heard.includes(id);
        },
        "it listens again",
        10_000,
      );
      expect(await listeners()).not.toEqual(before);
    }
    end();
  }, 60_000);
});

describe("what is not taken", () => {
  it("is refused with a reason", async () => {
    const hook = await hookOf(await publishedFlow(ctx, flowDocument("Refusals")));
    expect(await postEvent(`${worker.url}/hooks/none`, {})).toMatchObject({ status: 404 });
    expect(await postEvent(hook, "{ not json")).toMatchObject({ status: 400, body: { error: { code: "not-json" } } });
    expect(await postEvent(hook, JSON.stringify({ a: "x".repeat(11_000_000) }))).toMatchObject({ status: 413 });
    expect((await fetch(hook)).status).toBe(405);
    const draft = await database.db.flow.findFirstOrThrow();
    await database.db.flow.update({ where: { id: draft.id }, data: { liveVersion: draft.liveVersion } });
  });
});
