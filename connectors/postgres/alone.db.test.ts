/** Small work goes to the server on fewer ways: a page of one record, a read that is one statement. The rules stay. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonRecord } from "../sdk/types.ts";
import { openTestSession, sessionOn, shortcuts } from "./testing/session.ts";

let db: Awaited<ReturnType<typeof openTestSession>>;
beforeAll(async () => {
  db = await openTestSession(
    "pg_alone",
    `CREATE TABLE parts (id int PRIMARY KEY, name text NOT NULL UNIQUE CHECK (name <> 'bad'), parent int);
     CREATE TABLE looks (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, at timestamptz DEFAULT now());
     CREATE FUNCTION look() RETURNS int LANGUAGE sql VOLATILE AS 'INSERT INTO looks DEFAULT VALUES RETURNING id';
     CREATE VIEW curious AS SELECT id, name, look() AS look FROM parts;`,
  );
}, 60_000);
afterAll(() => db.stop());

const put = async (values: JsonRecord) => (await db.write("parts", "upsert", ["id"], [values])).outcomes[0];

test("a record alone is created, updated, left alone and refused as it is among others", async () => {
  expect(await put({ id: 1, name: "one" })).toEqual({ outcome: "created" });
  expect(await put({ id: 1, name: "uno" })).toEqual({ outcome: "updated" });
  expect(await put({ id: 1, name: "uno" })).toEqual({ outcome: "unchanged" });
  expect(await put({ id: 2, name: "bad" })).toMatchObject({ outcome: "failed" });
  expect(await put({ id: 2, name: "uno" })).toMatchObject({ outcome: "failed", failure: { field: "name" } });
  expect(await db.sql("SELECT id, name FROM parts")).toEqual([{ id: 1, name: "uno" }]);
});

test("a constraint that is deferred, made after the table was looked at, costs the record and not its commit", async () => {
  await put({ id: 3, name: "three" });
  await db.sql("ALTER TABLE parts ADD FOREIGN KEY (parent) REFERENCES parts DEFERRABLE INITIALLY DEFERRED");
  expect(await put({ id: 4, name: "four", parent: 99 })).toMatchObject({ outcome: "failed" });
  expect(await put({ id: 4, name: "four", parent: 4 })).toEqual({ outcome: "created" });
  await db.session.streams(new AbortController().signal); // looks again, and knows of it
  expect(await put({ id: 5, name: "five", parent: 99 })).toMatchObject({
    outcome: "failed",
    failure: { field: "parent" },
  });
  expect(await put({ id: 5, name: "five", parent: 5 })).toEqual({ outcome: "created" });
});

test("reading writes nothing, whatever the view does, with a watermark or without", async () => {
  for (const watermark of [undefined, { field: "id", after: null }])
    await expect(db.read("curious", watermark ? { watermark } : {})).rejects.toThrow(/read-only/);
  expect(await db.sql("SELECT count(*)::int AS n FROM looks")).toEqual([{ n: 0 }]);
});

test("pages of one read are of one moment, though it is a single statement", async () => {
  await db.sql("INSERT INTO parts (id, name) SELECT n, 'part ' || n FROM generate_series(100, 399) n");
  const seen: JsonRecord[] = [];
  for await (const page of db.session.read({
    stream: "parts",
    cursor: null,
    pageSize: 50,
    signal: new AbortController().signal,
  })) {
    if (seen.length === 0) await db.sql("UPDATE parts SET name = 'changed ' || id WHERE id >= 100");
    seen.push(...page.records);
  }
  const parts = seen.filter(({ id }) => Number(id) >= 100);
  expect(parts).toHaveLength(300);
  expect(parts.every(({ name }) => String(name).startsWith("part "))).toBe(true);
});

test("a read that found few rows is asked for at once the next time, and finds all of them when they have become many", async () => {
  await db.sql("CREATE TABLE grows (id int PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())");
  const grow = (from: number, to: number) =>
    db.sql("INSERT INTO grows (id) SELECT generate_series($1::int, $2::int)", [from, to]);
  const ids = async (options: object = {}) => (await db.read("grows", options)).map(({ id }) => id);
  const upTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1);
  const atOnce = async () =>
    (
      await db.sql(
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%"grows"%LIMIT 51'`,
      )
    )[0].n;
  await grow(1, 3);
  expect(await ids()).toEqual(upTo(3));
  expect(await atOnce()).toBe(0);
  expect(await ids()).toEqual(upTo(3));
  expect(await atOnce()).toBe(1);
  for (const last of [50, 51, 240]) {
    const { n } = (await db.sql("SELECT count(*)::int AS n FROM grows"))[0];
    await grow(n + 1, last);
    expect(await ids()).toEqual(upTo(last));
    expect(await ids({ pageSize: 7 })).toEqual(upTo(last));
    expect(await ids({ limit: 2 })).toEqual([1, 2]);
  }
  await db.sql("DELETE FROM grows WHERE id > 2");
  const watermark = { field: "id", after: null };
  for (let time = 0; time < 3; time++) expect(await ids({ watermark })).toEqual([1, 2]);
  await db.sql("ALTER TABLE grows ALTER id TYPE bigint");
  expect(await ids()).toEqual([1, 2]);
});

test("a server that lets few sessions in is written to and read by those, in turn", async () => {
  await db.sql("CREATE TABLE narrow (id int PRIMARY KEY)");
  const role = `narrow_${db.database.database}`;
  await db.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'narrow' CONNECTION LIMIT 3`);
  await db.sql(`GRANT ALL ON narrow TO ${role}`);
  const session = await sessionOn(db.database, {}, { user: role, password: "narrow" });
  const { write, read } = shortcuts(session);
  try {
    const ids = Array.from({ length: 12 }, (_, n) => n + 1);
    const outcomes = await Promise.all(ids.map((id) => write("narrow", "upsert", ["id"], [{ id }])));
    expect(outcomes.flatMap(({ short }) => short)).toEqual(ids.map(() => "created"));
    const mixed = ids.map(async (id) => [
      (await read("narrow")).length,
      (await write("narrow", "upsert", ["id"], [{ id }])).short,
    ]);
    expect(await Promise.all(mixed)).toEqual(ids.map(() => [12, ["unchanged"]]));
  } finally {
    await session.close();
    await db.sql(`DROP OWNED BY ${role}`);
    await db.sql(`DROP ROLE ${role}`);
  }
});
