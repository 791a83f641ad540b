/** Discovery, reading, two writers at once, lost answers and changing tables, on a real server. */
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, JsonRecord } from "../sdk/types.ts";
import { calm, errorOf, idsOf, readPages } from "../testing/sessions.ts";
import { openTestSession, sessionOn, shortcuts } from "./testing/session.ts";

const sql = `
CREATE SCHEMA sales;
CREATE TYPE mood AS ENUM ('ok', 'bad');
CREATE TABLE "Odd Name; x" (id serial PRIMARY KEY, "Up Case" text NOT NULL, code varchar(8) UNIQUE, price numeric(9,2), feeling mood, tags text[],
  created_at timestamptz DEFAULT now(), updated_at timestamptz, total numeric GENERATED ALWAYS AS (price * 2) STORED, own int GENERATED ALWAYS AS IDENTITY, UNIQUE ("Up Case", price));
COMMENT ON COLUMN "Odd Name; x".price IS 'Price in euro';
CREATE TABLE sales.orders (id text PRIMARY KEY);
CREATE VIEW cheap AS SELECT id, "Up Case" FROM "Odd Name; x" WHERE price < 5;
CREATE MATERIALIZED VIEW frozen AS SELECT id FROM "Odd Name; x";
CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY HASH (id);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted SELECT g FROM generate_series(1, 50) g;
CREATE TABLE keyless (v int, w timestamp);
INSERT INTO keyless SELECT g % 7, CASE WHEN g % 5 = 0 THEN NULL ELSE timestamp '2026-01-01' + (g / 3) * interval '1 microsecond' END FROM generate_series(1, 60) g;
CREATE VIEW keyless_view AS SELECT * FROM keyless;
CREATE TABLE stamped (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), at timestamptz);
INSERT INTO stamped (at) SELECT CASE WHEN g % 6 = 0 THEN NULL ELSE timestamptz '2026-01-01Z' + (g / 4) * interval '1 microsecond' END FROM generate_series(1, 60) g;
CREATE TABLE big (id int PRIMARY KEY, name text, qty int);
INSERT INTO big SELECT g, 'name ' || g, g FROM generate_series(1, 20000) g;
CREATE TABLE no_index (kind int, note text);
CREATE VIEW who AS SELECT pg_backend_pid() AS pid;`;

describe("the PostgreSQL connector", () => {
  let db: Awaited<ReturnType<typeof openTestSession>>;
  beforeAll(async () => {
    db = await openTestSession("pg_connector", sql);
  });
  afterAll(() => db?.stop());

  it("reads in the session of the read before, unless that one was broken off", async () => {
    const who = async () => (await readPages(db.session, { stream: "who" })).flatMap(({ records }) => records)[0]!.pid;
    const first = await who();
    expect(await who()).toBe(first);
    for await (const _ of db.session.read({ stream: "big", cursor: null, pageSize: 10, signal: calm() })) break;
    const second = await who();
    expect(second).not.toBe(first);
    expect(await Promise.all([who(), who()])).toContain(second);
  });

  it("describes tables, views and partitioned tables, and no partitions", async () => {
    const streams = await db.session.streams(calm());
    const names = streams.map((stream) => stream.name);
    expect(names.slice(0, -1)).toEqual(expect.arrayContaining(["Odd Name; x", "cheap", "frozen", "parted", "keyless"]));
    expect(names.at(-1)).toBe("sales.orders");
    expect(names.filter((name) => name.startsWith("parted"))).toEqual(["parted"]);
    const sinks = await db.session.sinks(calm());
    expect(sinks.map((sink) => sink.name)).not.toContain("cheap");
    const sink = sinks.find((one) => one.name === "Odd Name; x")!;
    expect(sink.matchKeys).toEqual([["id"]]);
    const field = Object.fromEntries(sink.fields.map((one) => [one.name, one]));
    expect(field.id).toMatchObject({ type: "integer", key: true, required: false, default: true, readOnly: false });
    expect(field["Up Case"]).toMatchObject({ type: "text", required: true, nullable: false });
    expect(field.code).toMatchObject({ type: "text", maxLength: 8, unique: true });
    expect(field.price).toMatchObject({ type: "decimal", precision: 9, scale: 2, title: "Price in euro" });
    expect(field.feeling).toMatchObject({ type: "text", options: ["ok", "bad"] });
    expect(field.tags).toMatchObject({ type: "list" });
    expect(field.total).toMatchObject({ readOnly: true, required: false });
    expect(field.own).toMatchObject({ readOnly: true });
    expect(streams.find((one) => one.name === "Odd Name; x")!.watermarks.slice(0, 2)).toEqual([
      "updated_at",
      "created_at",
    ]);
  });

  it("writes and reads a table of odd names", async () => {
    const { short } = await db.write(
      "Odd Name; x",
      "upsert",
      ["id"],
      [{ id: 1, "Up Case": "x", tags: ["a"], feeling: "ok" }],
    );
    expect(short).toEqual(["created"]);
    expect(await db.read("Odd Name; x")).toMatchObject([
      { id: 1, "Up Case": "x", tags: ["a"], feeling: "ok", total: null },
    ]);
    expect((await db.write("sales.orders", "insert", [], [{ id: "o1" }])).short).toEqual(["created"]);
    expect(await db.read("sales.orders")).toEqual([{ id: "o1" }]);
  });

  it.each(["parted", "keyless", "keyless_view", "stamped"])("%s: reading resumes from every cursor", async (stream) => {
    const pages = await readPages(db.session, { stream, pageSize: 7 });
    const all = pages.flatMap((page) => page.records);
    expect(all).toHaveLength(stream === "parted" ? 50 : 60);
    for (const [at, page] of pages.entries()) {
      const rest = await readPages(db.session, {
        stream,
        pageSize: 9,
        cursor: JSON.parse(JSON.stringify(page.cursor)),
      });
      expect([...pages.slice(0, at + 1), ...rest].flatMap((one) => one.records)).toEqual(all);
    }
  });

  it.each([
    ["keyless", "w"],
    ["keyless_view", "w"],
    ["stamped", "at"],
  ])("%s by watermark: empty ones first and once, microseconds and ties kept", async (stream, field) => {
    const watermark = { field, after: null as Json };
    const pages = await readPages(db.session, { stream, pageSize: 7, watermark });
    const all = pages.flatMap((page) => page.records);
    expect(all).toHaveLength(60);
    const plain = (value: Json | undefined) => (value as string | null)?.replace("Z", "") ?? null;
    const times = all.map((record) => plain(record[field]));
    const empty = times.filter((time) => time === null).length;
    expect(times.slice(0, empty)).toEqual(Array(empty).fill(null));
    expect(times.slice(empty)).toEqual(times.slice(empty).toSorted());
    for (const [at, page] of pages.entries()) {
      const rest = await readPages(db.session, { stream, pageSize: 4, cursor: page.cursor, watermark });
      expect([...pages.slice(0, at + 1), ...rest].flatMap((one) => one.records)).toEqual(all);
      if (page.watermark === undefined || page.watermark === null) continue;
      const newer = await readPages(db.session, { stream, watermark: { field, after: page.watermark ?? null } });
      const read = pages.slice(0, at + 1).flatMap((one) => one.records).length;
      const want = all.slice(read).filter((record) => record[field] !== null);
      expect(newer.flatMap((one) => one.records)).toEqual(want);
    }
  });

  it("reads one snapshot, whatever others write meanwhile", async () => {
    let seen = 0;
    for await (const page of db.session.read({ stream: "big", cursor: null, pageSize: 5000, signal: calm() })) {
      if (seen === 0) await db.sql("INSERT INTO big SELECT g, 'late', 0 FROM generate_series(20001, 20100) g");
      seen += page.records.length;
    }
    expect(seen).toBe(20_000);
    await db.sql("DELETE FROM big WHERE id > 20000");
  });

  it("leaves no session behind when reading is broken off or aborted", async () => {
    const control = new AbortController();
    for await (const _ of db.session.read({ stream: "big", cursor: null, pageSize: 10, signal: calm() })) break;
    const reading = (async () => {
      for await (const _ of db.session.read({ stream: "big", cursor: null, pageSize: 10, signal: control.signal }))
        control.abort(new Error("enough"));
    })();
    expect((await errorOf(reading)).message).toBe("enough");
    await expect
      .poll(() =>
        db.sql(
          "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
        ),
      )
      .toEqual([{ n: 0 }]);
  });

  it("stops a write that waits for a lock as soon as it is asked to", async () => {
    await db.sql("BEGIN");
    await db.sql("LOCK TABLE big");
    const control = new AbortController();
    setTimeout(() => control.abort(new Error("stop now")), 150);
    const from = Date.now();
    const write = {
      sink: "big",
      operation: "upsert" as const,
      match: ["id"],
      records: [{ key: "1", values: { id: 1, name: "x" }, idempotencyKey: "" }],
      signal: control.signal,
    };
    const error = await errorOf(db.session.write(write, { enter: async () => {} }));
    await db.sql("ROLLBACK");
    expect(error.message).toBe("stop now");
    expect(Date.now() - from).toBeLessThan(3_000);
    expect((await db.write("big", "upsert", ["id"], [{ id: 1, name: "name 1" }])).short).toEqual(["unchanged"]);
  });

  it.each([
    ["big", "id"],
    ["no_index", "kind"],
  ])("two writers on the same new keys of %s neither double nor deadlock", async (sink, key) => {
    const other = await sessionOn(db.database);
    const page = (note: string): JsonRecord[] =>
      Array.from(
        { length: 300 },
        (_, at): JsonRecord => (sink === "big" ? { id: 50_000 + at, name: note } : { kind: at, note }),
      );
    const two = shortcuts(other);
    for (let round = 0; round < 5; round++) {
      await db.sql(sink === "big" ? "DELETE FROM big WHERE id >= 50000" : "DELETE FROM no_index");
      const both = await Promise.all([
        db.write(sink, "upsert", [key], page("one")),
        two.write(sink, "upsert", [key], page("two").toReversed()),
        db.write(sink, "upsert", [key], page("three").toReversed()),
      ]);
      for (const { short } of both) expect(short.filter((one) => one === "failed")).toEqual([]);
      expect(both.flatMap(({ short }) => short).filter((one) => one === "created")).toHaveLength(300);
      const [{ n }] = await db.sql(`SELECT count(*)::int AS n FROM ${sink} WHERE ${key} >= $1`, [
        sink === "big" ? 50_000 : 0,
      ]);
      expect(n).toBe(300);
    }
    await other.close();
  });

  it("never overwrites what someone changed between the look and the write with stale before-images", async () => {
    await db.sql("BEGIN");
    await db.sql("UPDATE big SET name = 'theirs', qty = -1 WHERE id = 7");
    const writing = db.write("big", "upsert", ["id"], [{ id: 7, name: "ours" }]);
    await new Promise((done) => setTimeout(done, 150));
    await db.sql("COMMIT");
    const { entries } = await writing;
    expect(entries).toMatchObject([{ before: { name: "theirs" }, after: { name: "ours" } }]);
    expect(await db.sql("SELECT name, qty FROM big WHERE id = 7")).toEqual([{ name: "ours", qty: -1 }]);
  });

  it("tells by the receipt whether a write landed", async () => {
    const receipts: Json[] = [];
    const settle = db.session.settle!;
    const records = [{ key: "1", values: { id: 60_000, name: "x" }, idempotencyKey: "" }];
    const write = { sink: "big", operation: "upsert" as const, match: ["id"], records, signal: calm() };
    await db.session.write(write, {
      enter: async (_, receipt) => void receipts.push(JSON.parse(JSON.stringify(receipt))),
    });
    await errorOf(
      db.session.write(
        { ...write, records: [{ ...records[0]!, values: { id: 60_001 } }] },
        {
          enter: async (_, receipt) => {
            receipts.push(receipt!);
            throw new Error("lost");
          },
        },
      ),
    );
    expect(await settle(receipts[0]!, calm())).toBe("landed");
    expect(await settle(receipts[1]!, calm())).toBe("absent");
    expect(await settle({ ...(receipts[0] as JsonRecord), epoch: "another" }, calm())).toBe("unknown");
    expect(await settle({ xid: "99999999999", epoch: "" }, calm())).toBe("absent");
    expect(await settle("nonsense", calm())).toBe("unknown");
  });

  it("ends a transaction a sleeping worker left open, so that it cannot land after it was settled", async () => {
    const receipts: Json[] = [];
    const awake = Promise.withResolvers<void>();
    const records = [{ key: "1", values: { id: 60_002, name: "late" }, idempotencyKey: "" }];
    const sleeping = db.session.write(
      { sink: "big", operation: "upsert", match: ["id"], records, signal: calm() },
      {
        enter: async (_, receipt) => {
          receipts.push(receipt!);
          await awake.promise;
        },
      },
    );
    const failure = errorOf(sleeping);
    while (receipts.length === 0) await new Promise((done) => setTimeout(done, 10));
    expect(await db.session.settle!(receipts[0]!, calm())).toBe("absent");
    awake.resolve();
    expect(await failure).toMatchObject({ kind: "transient" });
    expect(await db.sql("SELECT name FROM big WHERE id = 60002")).toEqual([]);
  });

  it("a session that dies before the commit is transient, and nothing landed", async () => {
    const write = {
      sink: "big",
      operation: "upsert" as const,
      match: ["id"],
      records: [{ key: "1", values: { id: 61_000, name: "x" }, idempotencyKey: "" }],
      signal: calm(),
    };
    const error = await errorOf(
      db.session.write(write, {
        enter: async () => {
          await db.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'plumbline'",
          );
          await new Promise((done) => setTimeout(done, 50));
        },
      }),
    );
    expect(error).toMatchObject({ kind: "transient", code: "outcome-unknown" });
    expect(await db.sql("SELECT 1 FROM big WHERE id = 61000")).toEqual([]);
    expect((await db.write("big", "upsert", ["id"], [{ id: 1, name: "name 1" }])).short).toEqual(["unchanged"]);
  });

  it("notices columns and tables that came, went or changed", async () => {
    await db.sql("CREATE TABLE moving (id int PRIMARY KEY, a text, b text)");
    expect((await db.write("moving", "upsert", ["id"], [{ id: 1, a: "x", b: "y" }])).short).toEqual(["created"]);
    await db.sql("ALTER TABLE moving ADD c text");
    expect((await db.write("moving", "upsert", ["id"], [{ id: 1, c: "new" }])).short).toEqual(["updated"]);
    await db.sql("ALTER TABLE moving DROP b");
    const gone = await errorOf(db.write("moving", "upsert", ["id"], [{ id: 2, a: "x", b: "y" }]));
    expect(gone).toMatchObject({ kind: "settings", code: "field-missing", field: "b" });
    await db.sql("ALTER TABLE moving ALTER a TYPE int USING 5");
    expect((await db.write("moving", "upsert", ["id"], [{ id: 3, a: 7 }])).short).toEqual(["created"]);
    await db.sql("DROP TABLE moving");
    const dropped = await errorOf(db.write("moving", "upsert", ["id"], [{ id: 3, a: 7 }]));
    expect(dropped).toMatchObject({ kind: "settings", code: "table-missing" });
    expect(dropped.message).toContain("moving");
  });

  it("says that rights are missing", async () => {
    await db.sql(
      "DROP ROLE IF EXISTS plumbline_reader; CREATE ROLE plumbline_reader LOGIN PASSWORD 'read-only'; GRANT SELECT ON big TO plumbline_reader",
    );
    const reader = await sessionOn(db.database, {}, { user: "plumbline_reader", password: "read-only" });
    expect((await reader.streams(calm())).map((one) => one.name)).toEqual(["big"]);
    expect(await reader.sinks(calm())).toEqual([]);
    const error = await errorOf(shortcuts(reader).write("big", "upsert", ["id"], [{ id: 1, name: "y" }]));
    expect(error).toMatchObject({ kind: "settings", code: "permission-denied" });
    await reader.close();
    await db.sql("DROP OWNED BY plumbline_reader; DROP ROLE plumbline_reader");
  });

  describe("check", () => {
    const knock = async (change: { [setting: string]: unknown }, login = {}) => {
      const session = await sessionOn(db.database, change, login);
      return session.check(calm()).finally(() => session.close());
    };
    it("tells what it found", async () => {
      expect((await knock({})).message).toMatch(/^PostgreSQL \d+/);
    });
    it.each([
      ["a user that is not", {}, { user: "nobody_here" }, "credentials", "login-refused", "nobody_here"],
      ["a database that is not", { database: "no_such" }, {}, "settings", "database-missing", "no_such"],
      ["a schema that is not", { schema: "no_such" }, {}, "settings", "schema-missing", "no_such"],
      [
        "a host that is not",
        { host: "no-such-host.invalid" },
        {},
        "settings|transient",
        "host-not-found|dns-unavailable",
        "no-such-host.invalid",
      ],
      ["a closed port", { port: 1 }, {}, "transient", "connection-refused", ":1"],
    ])("names %s", async (_, change, login, kind, code, words) => {
      const error = await errorOf(knock(change, login));
      expect(error).toMatchObject({ kind: expect.stringMatching(kind), code: expect.stringMatching(code) });
      expect(error.message).toContain("Books");
      expect(error.message).toContain(words);
    });
    it("names a server without SSL, or one whose certificate proves nothing", async () => {
      const error = await knock({ ssl: "verify-full" }).catch((thrown) => thrown);
      expect(error).toMatchObject({
        kind: "settings",
        code: expect.stringMatching("ssl-not-supported|certificate-not-trusted"),
      });
    });
    it("gives up on a server that never answers", async () => {
      const silent = createServer(() => {}).listen(0, "127.0.0.1");
      await new Promise((done) => silent.once("listening", done));
      const from = Date.now();
      const error = await errorOf(knock({ host: "127.0.0.1", port: (silent.address() as { port: number }).port }));
      silent.close();
      expect(error).toMatchObject({ kind: "transient", code: "connect-timeout" });
      expect(Date.now() - from).toBeLessThan(13_000);
    }, 20_000);
  });

  it("reads limit and cursor together", async () => {
    const [first] = await readPages(db.session, { stream: "big", pageSize: 5, limit: 5 });
    const next = await readPages(db.session, { stream: "big", pageSize: 5, limit: 7, cursor: first!.cursor });
    expect(idsOf(next)).toEqual(["6", "7", "8", "9", "10", "11", "12"]);
  });
});
