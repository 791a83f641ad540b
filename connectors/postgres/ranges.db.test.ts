import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { calm, readPages } from "../testing/sessions.ts";
import { openTestSession } from "./testing/session.ts";

let db: Awaited<ReturnType<typeof openTestSession>>;

beforeAll(async () => {
  db = await openTestSession(
    "ranges",
    `CREATE TABLE ints (id int PRIMARY KEY, n int);
     INSERT INTO ints SELECT i, i FROM generate_series(-500, 4500) i;
     CREATE TABLE uuids (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n int);
     INSERT INTO uuids (n) SELECT i FROM generate_series(1, 3000) i;
     CREATE TABLE texts (code text COLLATE "en-x-icu" PRIMARY KEY, n int);
     INSERT INTO texts SELECT (ARRAY['ä','Z','a','','b''c"d'])[1 + i % 5] || md5(i::text), i FROM generate_series(1, 3000) i;
     CREATE TABLE lines (tenant int, number int, n int, PRIMARY KEY (tenant, number));
     INSERT INTO lines SELECT i % 7, i, i FROM generate_series(1, 3000) i;
     CREATE TABLE one_tenant (tenant int, number int, PRIMARY KEY (tenant, number));
     INSERT INTO one_tenant SELECT 1, i FROM generate_series(1, 3000) i;
     CREATE TABLE times (at timestamptz PRIMARY KEY);
     INSERT INTO times SELECT timestamptz '2026-01-01 00:00:00.123456+02' + i * interval '1 second' FROM generate_series(1, 3000) i;
     CREATE TABLE decimals (d numeric UNIQUE NOT NULL);
     INSERT INTO decimals SELECT i / 7.0 FROM generate_series(1, 3000) i;
     CREATE TABLE big (id bigint PRIMARY KEY, filler text);
     INSERT INTO big SELECT i::bigint * 1000000000, repeat('x', 20) FROM generate_series(1, 120000) i;
     CREATE TABLE parts (id int PRIMARY KEY, n int) PARTITION BY HASH (id);
     CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
     CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
     INSERT INTO parts SELECT i, i FROM generate_series(1, 3000) i;
     CREATE TABLE keyless (n int);
     INSERT INTO keyless SELECT i FROM generate_series(1, 3000) i;
     CREATE VIEW seen AS SELECT * FROM ints;
     CREATE TABLE empty (id int PRIMARY KEY)`,
  );
  await db.sql("ANALYZE ints, uuids, lines, parts, keyless, empty"); // the others as they are after a bulk load
}, 60_000);
afterAll(() => db.stop());

const ask = (stream: string, change: { size?: number; most?: number; least?: number } = {}) =>
  db.session.ranges!({ stream, size: 500, most: 6, least: 1000, signal: calm(), ...change });

describe.each(["ints", "uuids", "texts", "lines", "times", "decimals", "big", "parts"])("ranges of %s", (stream) => {
  it("hold each row once, and about as many each", async () => {
    const ranges = await ask(stream);
    expect(ranges?.length).toBeGreaterThanOrEqual(4);
    const sizes: number[] = [];
    const rows = new Set<string>();
    for (const range of ranges ?? []) {
      let size = 0;
      for (const { records } of await readPages(db.session, { stream, range, pageSize: 1000 })) {
        size += records.length;
        for (const record of records) rows.add(JSON.stringify(record));
      }
      sizes.push(size);
    }
    const [all] = await db.sql(`SELECT count(*)::int AS rows FROM ${stream}`);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(all.rows);
    expect(rows.size).toBe(all.rows);
    if (stream !== "lines") expect(Math.max(...sizes)).toBeLessThan((2 * all.rows) / sizes.length);
  });
});

it("are none where they would not help: no key, a view, few rows, one value in front", async () => {
  expect(await ask("keyless")).toBeNull();
  expect(await ask("seen")).toBeNull();
  expect(await ask("empty")).toBeNull();
  expect(await ask("ints", { least: 10_000 })).toBeNull();
  expect(await ask("ints", { size: 10_000 })).toBeNull();
  const ranges = await ask("one_tenant");
  // nothing stands before the only value
  const sizes = await Promise.all(
    (ranges ?? []).map(async (range) => {
      const pages = await readPages(db.session, { stream: "one_tenant", range });
      return pages.reduce((sum, { records }) => sum + records.length, 0);
    }),
  );
  expect(sizes.filter((size) => size > 0)).toEqual([3000]);
});

it("go together with a watermark", async () => {
  const ranges = await ask("ints");
  const read = await Promise.all(
    (ranges ?? []).map((range) => db.read("ints", { range, pageSize: 500, watermark: { field: "n", after: 1000 } })),
  );
  expect(read.flat()).toHaveLength(3500);
});

it("say so when the key has become another one", async () => {
  await db.sql("CREATE TABLE moving (a int PRIMARY KEY, b int NOT NULL)");
  await db.sql("INSERT INTO moving SELECT i, i FROM generate_series(1, 3000) i");
  const [range] = (await ask("moving")) ?? [];
  await db.sql("ALTER TABLE moving DROP CONSTRAINT moving_pkey, ADD PRIMARY KEY (b)");
  await db.session.streams(calm()); // learns of it
  const reading = readPages(db.session, { stream: "moving", range: range ?? null });
  await expect(reading).rejects.toMatchObject({ code: "table-changed", kind: "settings" });
});
