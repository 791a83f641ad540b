import { afterEach, describe, expect, it } from "vitest";
import type { ConnectorSession, JsonRecord, Operation } from "../sdk/types.ts";
import type { WriteOutcome } from "../sdk/writing.ts";
import { type FakeRestOptions, startFakeRest } from "../testing/fake-rest.ts";
import { calm, errorOf, recordingHooks, toUndo, toWrite } from "../testing/sessions.ts";
import { httpConnector } from "./connector.ts";

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

const whole = {
  create: { path: "/customers" },
  update: { path: "/customers/{id}" },
  delete: { path: "/customers/{id}" },
  read: { path: "/customers/{id}" },
};

async function writing(sink: JsonRecord, options: FakeRestOptions = {}, settings: JsonRecord = {}) {
  const fake = await startFakeRest({ collections: { customers: {} }, ...options });
  const session = await httpConnector.open({
    name: "CRM",
    settings: httpConnector.settings.parse({
      baseUrl: fake.url,
      ...settings,
      sinks: [{ name: "customers", key: ["id"], create: { path: "/customers" }, ...sink }],
    }),
    credentials: {},
    allowPrivateNetwork: true,
  });
  open.push(
    () => session.close(),
    () => fake.close(),
  );
  const held = () => [...fake.collection("customers").records.values()];
  return { session, fake, held };
}

const people = (count: number): JsonRecord[] =>
  Array.from({ length: count }, (_, index) => ({ id: `c${index}`, name: `Name ${index}` }));
const names = (list: WriteOutcome[]) => list.map((one) => one.outcome);

function write(session: ConnectorSession, operation: Operation, values: JsonRecord[], hooks = recordingHooks().hooks) {
  return session.write(
    {
      sink: "customers",
      operation,
      match: operation === "insert" ? [] : ["id"],
      records: toWrite(values),
      signal: calm(),
    },
    hooks,
  );
}

/** Repeats what is transient or unknown, as the engine does, until nothing is left; gives the number of rounds. */
async function insist(
  session: ConnectorSession,
  operation: Operation,
  values: JsonRecord[],
): Promise<{ outcomes: Map<string, WriteOutcome>; rounds: number }> {
  const outcomes = new Map<string, WriteOutcome>();
  let open = values;
  for (let rounds = 1; rounds < 60; rounds++) {
    const got = await write(session, operation, open);
    for (const [index, outcome] of got.entries()) outcomes.set(String(open[index]!.id), outcome);
    open = open.filter((one) => {
      const outcome = outcomes.get(String(one.id))!;
      return outcome.outcome === "unknown" || (outcome.outcome === "failed" && outcome.failure.kind === "transient");
    });
    if (open.length === 0) return { outcomes, rounds };
  }
  throw new Error(`${open.length} records still open`);
}

describe("lost answers", () => {
  const bad = { unavailable: 0.05, dropBefore: 0.05, dropAfter: 0.1 };

  it("lands every create once when the server remembers idempotency keys, though it cuts connections", async () => {
    const { session, fake } = await writing({ idempotencyHeader: "Idempotency-Key" }, { seed: 7, faults: bad });
    const { outcomes } = await insist(session, "insert", people(300));
    expect(fake.effects()).toBe(300);
    expect([...outcomes.values()].every((one) => one.outcome === "created")).toBe(true);
  });

  it("lands every upsert once by reading back, without idempotency keys", async () => {
    const { session, fake, held } = await writing(whole, { seed: 8, faults: bad, idempotencyHeader: null });
    const { outcomes } = await insist(session, "upsert", people(300));
    expect(fake.effects()).toBe(300);
    expect(held()).toHaveLength(300);
    expect([...outcomes.values()].filter((one) => one.outcome !== "created" && one.outcome !== "unchanged")).toEqual(
      [],
    );
  });

  it("does not send again what the server is still at work on, though it is not there yet", async () => {
    const { session, fake, held } = await writing(
      whole,
      { idempotencyHeader: null, faults: { workMs: 2_000 } },
      { timeoutMs: 500 },
    );
    const [outcome] = await write(session, "upsert", people(1));
    expect(outcome).toMatchObject({ outcome: "created" });
    expect(fake.log.filter(({ method }) => method === "POST")).toHaveLength(1);
    expect(held()).toHaveLength(1);
  });

  it("knows its own creates again, however often their answers are lost", async () => {
    const { session, fake } = await writing({ ...whole, idempotencyHeader: "Idempotency-Key" }, { seed: 9 });
    fake.faults.dropAfter = 0.25;
    const { outcomes } = await insist(session, "upsert", people(100));
    expect(fake.effects()).toBe(100);
    expect([...outcomes.values()].filter((one) => one.outcome !== "created")).toEqual([]);
  });

  it("says “unknown” when it can neither look nor repeat", async () => {
    const { session, held } = await writing({ key: [] }, { faults: { dropAfter: 1 } });
    const [outcome] = await write(session, "insert", people(1));
    expect(outcome).toMatchObject({ outcome: "unknown", failure: { kind: "transient", code: "outcome-unknown" } });
    expect(held()).toHaveLength(1);
  });

  it("knows that nothing was sent when the server does not listen", async () => {
    const { session, fake } = await writing({ key: [] });
    await fake.close();
    const got = await write(session, "insert", people(3));
    expect(got).toMatchObject(
      Array(3).fill({ outcome: "failed", failure: { kind: "transient", code: "unreachable" } }),
    );
  });

  it("leaves what was under way open when it is stopped", async () => {
    const { session, fake } = await writing({ key: [], concurrency: 1 }, { faults: { slow: 1, slowMs: 300 } });
    const control = new AbortController();
    setTimeout(() => control.abort(new Error("stop")), 100);
    const got = await session.write(
      { sink: "customers", operation: "insert", match: [], records: toWrite(people(3)), signal: control.signal },
      recordingHooks().hooks,
    );
    expect(names(got)).toEqual(["unknown", "failed", "failed"]);
    expect(fake.log).toHaveLength(1);
  });
});

describe("limits and refusals in the middle of a page", () => {
  it("keeps what was done at a 429, and gives the rest back with the time to wait", async () => {
    const { session, held } = await writing(whole, { rateLimit: { perSecond: 5, burst: 30 } });
    const got = await write(session, "upsert", people(20));
    const done = got.filter((one) => one.outcome === "created").length;
    expect(done).toBeGreaterThan(0);
    expect(held()).toHaveLength(done);
    const left = got.filter((one) => one.outcome === "failed");
    expect(left).toHaveLength(20 - done);
    for (const one of left)
      expect(one).toMatchObject({ failure: { kind: "transient", code: "rate-limited", retryAfterMs: 1000 } });
  });

  it("stops asking after a 429", async () => {
    const { session, fake } = await writing({ key: [], concurrency: 2 }, { rateLimit: { perSecond: 1, burst: 5 } });
    await write(session, "insert", people(50));
    expect(fake.log.length).toBeLessThanOrEqual(8);
  });

  it("quotes the system's own reason and its field", async () => {
    const { session } = await writing({}, { collections: { customers: { maxLength: { name: 6 } } } });
    const got = await write(session, "insert", [
      { id: "a", name: "Short" },
      { id: "b", name: "Much too long" },
    ]);
    expect(got).toMatchObject([
      { outcome: "created" },
      {
        outcome: "failed",
        failure: {
          kind: "rejected",
          field: "name",
          message: expect.stringContaining("name: is longer than 6 characters"),
        },
      },
    ]);
  });

  it("says what failures of different records have in common, without the record's id in the path", async () => {
    const { session } = await writing(whole, { collections: { customers: { maxLength: { name: 6 } } } });
    await write(session, "upsert", [
      { id: "xZ9aQ", name: "Ana" },
      { id: "bT3kW", name: "Ben" },
    ]);
    const got = await write(session, "upsert", [
      { id: "xZ9aQ", name: "Anastasia" },
      { id: "bT3kW", name: "Benedikta" },
    ]);
    const common = "for PATCH /customers/{id}): “name: is longer than 6 characters”";
    expect(got).toMatchObject([
      {
        failure: {
          message: expect.stringContaining("PATCH /customers/xZ9aQ)"),
          general: expect.stringContaining(common),
        },
      },
      { failure: { general: expect.stringContaining(common) } },
    ]);
  });

  it("takes a 404 for a create at a fixed path as a wrong path, and stops when ten in a row fail so", async () => {
    const { session, fake } = await writing({ key: [], create: { path: "/custommers" }, concurrency: 1 });
    const got = await write(session, "insert", people(50));
    expect(got).toMatchObject(
      Array(50).fill({ outcome: "failed", failure: { kind: "settings", code: "path-not-found" } }),
    );
    expect(fake.log).toHaveLength(10);
  });

  it("names the value a path needs and a record lacks", async () => {
    const { session } = await writing({ create: { path: "/{collection}" } });
    const got = await write(session, "insert", [{ id: "a", collection: "customers" }, { id: "b" }]);
    expect(got).toMatchObject([
      { outcome: "created" },
      { outcome: "failed", failure: { code: "missing-path-value", field: "collection" } },
    ]);
  });

  it("refuses to match by what the system cannot find records by", async () => {
    const { session } = await writing(whole);
    const request = {
      sink: "customers",
      operation: "upsert" as const,
      match: ["name"],
      records: toWrite(people(1)),
      signal: calm(),
    };
    expect(await errorOf(session.write(request, recordingHooks().hooks))).toMatchObject({
      kind: "settings",
      code: "match-not-key",
    });
  });
});

describe("whose fault a failure is", () => {
  /** One answer for these records, whatever is asked of them. */
  const at =
    (ids: string[], answer: { status: number; body?: JsonRecord } | "html"): FakeRestOptions["answers"] =>
    (_, path, body) =>
      ids.some((id) => path.endsWith(`/${id}`) || (body as JsonRecord | null)?.id === id) ? answer : undefined;
  const posts = (fake: { log: { method: string }[] }) => fake.log.filter(({ method }) => method === "POST").length;

  it.each([403, 404, 405, 410, 501])("a %i for single records is theirs, as the others are taken", async (status) => {
    const answers = at(["c3", "c11", "c19"], { status, body: { message: "no such product" } });
    const { session, held } = await writing({ key: [] }, { answers });
    const got = await write(session, "insert", people(20));
    expect(got.filter((one) => one.outcome !== "created")).toEqual(
      Array(3).fill({
        outcome: "failed",
        failure: expect.objectContaining({
          kind: "rejected",
          message: expect.stringMatching(/\(\d+ for POST \/customers\): “no such product”.* took others/),
        }),
      }),
    );
    expect(names([got[3]!, got[11]!, got[19]!])).toEqual(["failed", "failed", "failed"]);
    expect(held()).toHaveLength(17);
  });

  it("rights that were taken away in the middle are the connection's matter, for all that was not sent", async () => {
    let taken = 0;
    const { session, fake } = await writing(
      { key: [], concurrency: 4 },
      { answers: (method) => (method === "POST" && ++taken > 30 ? { status: 403 } : undefined) },
    );
    const got = await write(session, "insert", people(100));
    const left = got.filter((one) => one.outcome !== "created");
    expect(left).toHaveLength(70);
    for (const one of left)
      expect(one).toMatchObject({ outcome: "failed", failure: { kind: "credentials", code: "access-denied" } });
    expect(posts(fake)).toBeLessThan(50);
  });

  it("a 500 that others sent later do not meet is one record's, which is said; one that all meet is not", async () => {
    const { session, fake } = await writing({ ...whole, concurrency: 4 }, { answers: at(["c5"], { status: 500 }) });
    const reads = fake.answers;
    fake.answers = (method, path, body) => (method === "GET" ? undefined : reads?.(method, path, body));
    const got = await write(session, "upsert", people(30));
    expect(got.filter((one) => one.outcome !== "created")).toEqual([
      expect.objectContaining({
        lone: true,
        failure: expect.objectContaining({
          kind: "transient",
          code: "server-error",
          ofRecord: expect.objectContaining({ kind: "rejected" }),
        }),
      }),
    ]);
    fake.answers = (method, path) => (method !== "GET" && Number(path.slice(12)) > 9 ? { status: 500 } : undefined);
    const changed = people(30).map((one) => ({ ...one, name: "new" }));
    const after = await write(session, "upsert", changed);
    const failed = after.filter((one) => one.outcome === "failed");
    expect(failed.length).toBeGreaterThanOrEqual(20);
    // those under way when it began may have been followed by others under way
    expect(failed.filter((one) => one.lone).length).toBeLessThan(4);
  });

  it("a page of HTML for one record leaves open whether it arrived; reading back tells", async () => {
    const answers: FakeRestOptions["answers"] = (method, _, body) =>
      method === "POST" && (body as JsonRecord).id === "c4" ? "html" : undefined;
    const blind = await writing({ key: [] }, { answers });
    const got = await write(blind.session, "insert", people(10));
    expect(names(got).filter((one) => one !== "created")).toEqual(["unknown"]);
    expect(got[4]).toMatchObject({ failure: { kind: "rejected", code: "answer-not-json" } });
    const seeing = await writing(whole, { answers });
    expect((await write(seeing.session, "upsert", people(10)))[4]).toMatchObject({
      outcome: "failed",
      failure: { kind: "rejected", code: "answer-not-json" },
    });
    const all = await writing({ key: [] }, { answers: (method) => (method === "POST" ? "html" : undefined) });
    const none = await write(all.session, "insert", people(30));
    expect(none).toMatchObject(Array(30).fill({ outcome: "failed", failure: { kind: "settings" } }));
  });

  it("creates nobody can find out about are not risked on and on", async () => {
    const { session, fake } = await writing({ key: [], concurrency: 2 }, { faults: { dropAfter: 1 } });
    const got = await write(session, "insert", people(40));
    const doubtful = got.filter((one) => one.outcome === "unknown").length;
    expect(doubtful).toBeLessThanOrEqual(5);
    expect(posts(fake)).toBe(doubtful);
    for (const one of got.slice(10))
      expect(one).toMatchObject({ outcome: "failed", notSent: true, failure: { kind: "transient" } });
  });

  it("what was held back says what was answered, as it was", async () => {
    const { session, fake } = await writing({ ...whole, concurrency: 1 });
    fake.answers = () => ({ status: 401 });
    const got = await write(session, "upsert", people(3));
    const failures = got.map((one) => ("failure" in one ? one.failure.message : ""));
    expect(new Set(failures).size).toBe(1);
    expect(failures[0]).toMatch(/^CRM refused the stored credentials/);
    expect(got.map((one) => "notSent" in one)).toEqual([false, true, true]);
  });
});

describe("what is sent", () => {
  it("encodes values in paths, so that they cannot leave their place", async () => {
    const { session, held } = await writing(whole);
    await write(session, "upsert", [{ id: "a/../b?x=1", name: "n" }]);
    await write(session, "upsert", [{ id: "a/../b?x=1", name: "m" }]);
    await write(session, "upsert", [{ id: "..", name: "m" }]);
    expect(held()).toEqual([
      { id: "a/../b?x=1", name: "m" },
      { id: "..", name: "m" },
    ]);
  });

  it("wraps, types numbers by the schema with all their digits, and reads back wrapped", async () => {
    const schema = { type: "object", properties: { id: { type: "string" }, total: { type: "number" } } };
    const { session, fake } = await writing(
      { ...whole, wrap: "customer", schema },
      { collections: { customers: { wrap: "customer" } } },
    );
    expect(names(await write(session, "upsert", [{ id: "a", total: "119.50" }]))).toEqual(["created"]);
    expect(fake.log.at(-1)!.body).toEqual({ customer: { id: "a", total: 119.5 } });
    expect(names(await write(session, "upsert", [{ id: "a", total: "119.50" }]))).toEqual(["unchanged"]);
  });

  it("keeps fields it does not know when the update is a PUT", async () => {
    const { session, held } = await writing(
      { ...whole, update: { method: "PUT", path: "/customers/{id}" } },
      { collections: { customers: { records: [{ id: "a", name: "n", note: "keep" }] } } },
    );
    const { hooks, entries } = recordingHooks();
    const page = [{ id: "a", name: "m" }];
    await write(session, "upsert", page, hooks);
    expect(held()).toEqual([{ id: "a", name: "m", note: "keep" }]);
    const records = toUndo(toWrite(page), entries);
    const got = await session.undo({ sink: "customers", records, force: false, preview: false, signal: calm() }, hooks);
    expect(got).toMatchObject([{ outcome: "restored" }]);
    expect(held()).toEqual([{ id: "a", name: "n", note: "keep" }]);
  });

  it("finds records by a search, updates them by the id found, and undoes by it", async () => {
    const search = {
      key: ["number"],
      create: { path: "/customers" },
      update: { path: "/customers/{id}" },
      delete: { path: "/customers/{id}" },
      read: { path: "/customers?number={number}" },
    };
    const { session, held } = await writing(search, {
      collections: { customers: { assignIds: true, records: [{ id: 1, number: "K1", name: "old" }] } },
    });
    const page = [
      { number: "K1", name: "new" },
      { number: "K2", name: "second" },
    ].map((values) => ({ key: values.number, values, idempotencyKey: values.number }));
    const { hooks, entries } = recordingHooks();
    const got = await session.write(
      { sink: "customers", operation: "upsert", match: ["number"], records: page, signal: calm() },
      hooks,
    );
    expect(got).toMatchObject([
      { outcome: "updated" },
      { outcome: "created", remoteId: "2", identity: { number: "K2", id: 2 } },
    ]);
    const created = got[1]!;
    const ledger = toUndo(page, entries).map((row) =>
      row.operation === "create" && created.outcome === "created" ? { ...row, identity: created.identity! } : row,
    );
    await session.undo({ sink: "customers", records: ledger, force: false, preview: false, signal: calm() }, hooks);
    expect(held()).toEqual([{ id: 1, number: "K1", name: "old" }]);
  });

  it("does not take the first record of all for the one it searched", async () => {
    const ignoring = { ...whole, key: ["number"], read: { path: "/customers?nummer={number}", item: "0" } };
    const { session, fake } = await writing(ignoring, {
      collections: { customers: { records: [{ id: "1", number: "K1", name: "someone else" }] } },
    });
    const request = {
      sink: "customers",
      operation: "upsert" as const,
      match: ["number"],
      records: [{ key: "K2", values: { number: "K2", name: "x" }, idempotencyKey: "1" }],
      signal: calm(),
    };
    const got = await session.write(request, recordingHooks().hooks);
    expect(got).toMatchObject([{ outcome: "failed", failure: { kind: "settings", code: "read-back-other-record" } }]);
    expect(fake.effects()).toBe(0);
  });

  it("turns a create that meets an existing record into an update when it cannot look first", async () => {
    const { read: _, ...blind } = whole;
    const { session, held } = await writing(blind, {
      collections: { customers: { records: [{ id: "a", name: "old", note: "keep" }] } },
    });
    const { hooks, entries } = recordingHooks();
    expect(names(await write(session, "upsert", [{ id: "a", name: "new" }], hooks))).toEqual(["updated"]);
    expect(entries.map((entry) => entry.operation)).toEqual(["create", "update"]);
    expect(held()).toEqual([{ id: "a", name: "new", note: "keep" }]);
  });

  it("applies two changes of one record in their order", async () => {
    const { session, held } = await writing(whole);
    const records = [
      { key: "1", values: { id: "a", name: "first" }, idempotencyKey: "1" },
      { key: "2", values: { id: "a", name: "second" }, idempotencyKey: "2" },
    ];
    const got = await session.write(
      { sink: "customers", operation: "upsert", match: ["id"], records, signal: calm() },
      recordingHooks().hooks,
    );
    expect(names(got)).toEqual(["created", "updated"]);
    expect(held()).toEqual([{ id: "a", name: "second" }]);
  });
});

describe("what a sink says of itself", () => {
  it("derives undo and effect from what is described", async () => {
    const infos = async (sink: JsonRecord) => (await (await writing(sink)).session.sinks(calm()))[0]!;
    expect(await infos(whole)).toMatchObject({
      undo: "full",
      effect: "once",
      readBack: true,
      operations: ["insert", "update", "upsert", "delete"],
      open: true,
    });
    expect(await infos({ key: [] })).toMatchObject({
      undo: "none",
      effect: "at-least-once",
      operations: ["insert"],
      matchKeys: [],
    });
    expect(await infos({ idempotencyHeader: "X-Once" })).toMatchObject({
      undo: "none",
      effect: "once",
      idempotencyKeys: true,
    });
    expect(await infos({ delete: whole.delete })).toMatchObject({ undo: "lossy", readBack: false });
    expect(await infos({ schema: { properties: { id: { type: "string" } } } })).toMatchObject({
      open: false,
      fields: [{ name: "id" }],
    });
  });
});
