/** Every kind of value comes back as it was written, and what a column would spoil is refused. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../sdk/types.ts";
import { checkFits } from "../testing/fits.ts";
import { calm } from "../testing/sessions.ts";
import { openTestSession } from "./testing/session.ts";

const sql = `
CREATE TYPE mood AS ENUM ('sad', 'so "so"', 'it''s ok, {fine}');
CREATE DOMAIN cents AS int NOT NULL CHECK (VALUE >= 0);
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN small_cents AS cents CHECK (VALUE < 1000);
CREATE TABLE "All Types" (
  "Id" bigint PRIMARY KEY, "select" text, code varchar(5), fixed char(4), i2 smallint, i4 int, i8 bigint, n numeric, n2 numeric(10,2), nr numeric(4,-2),
  f4 real, f8 double precision, yes boolean, d date, ts timestamp, ts0 timestamp(0), tz timestamptz, t time, ttz timetz, j json, jb jsonb, u uuid, m mood,
  b bytea, iv interval, ip inet, nums int[], words text[], grid int[], moods mood[], jbs jsonb[], price small_cents DEFAULT 5, r int4range, bits bit(3), pr pair, prs pair[]
);`;

describe("values", () => {
  let db: Awaited<ReturnType<typeof openTestSession>>;
  beforeAll(async () => {
    db = await openTestSession("pg_values", sql);
  });
  afterAll(() => db?.stop());

  /** Values that must come back exactly so. */
  const exact: [field: string, ...values: Json[]][] = [
    [
      "select",
      "",
      "it's",
      'a "quoted" {brace}',
      "back\\slash \\n \\\\",
      "tab\tnew\nline\r",
      "Zoë 雪 🚀 👩‍👩‍👧",
      "NULL",
      "null",
      "x".repeat(10_000),
      " padded ",
    ],
    ["code", "abcde", "🚀🚀🚀🚀🚀", ""],
    ["fixed", "EUR", "abcd", ""],
    ["i2", -32768, 32767, 0],
    ["i4", -2147483648, 2147483647],
    ["i8", 9007199254740991, -9007199254740991, "9223372036854775807", "-9223372036854775808"],
    ["n", "12.50", "0.000000000000000000000000000001", "123456789012345678901234567890.123456789", "-0.5", "NaN"],
    ["n2", "-0.05", "12.50", "-99999999.99", "NaN", "0.00"],
    ["nr", "123400", "0"],
    ["f4", 0.1, 16777216, -1.5, "NaN", "Infinity"],
    ["f8", 0.1, 1e300, -2.5e-7, 0.30000000000000004, "-Infinity"],
    ["yes", true, false],
    [
      "d",
      "2026-11-23",
      "0001-01-01",
      "9999-12-31",
      "12026-02-28",
      "infinity",
      "-infinity",
      "2024-02-29",
      "0044-03-15 BC",
    ],
    ["ts", "2026-11-23T10:00:00.123456", "2026-11-23T10:00:00", "-infinity", "0001-01-01T00:00:00"],
    ["ts0", "2026-11-23T10:00:00"],
    ["tz", "2026-11-23T10:00:00.123456Z", "2026-11-23T10:00:00Z", "infinity", "1883-11-18T12:03:58Z"],
    ["t", "10:30:00", "23:59:59.999999", "24:00:00"],
    ["ttz", "10:30:00+02", "10:30:00-05:30"],
    ["j", { b: 1, a: [true, null, "x"] }, [1, 2], "text", 5, false],
    ["jb", { 'quo"te': "\\u0041 \\ud83d", nested: { list: [[]] } }, [], "text", 1.5],
    ["u", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    ["m", "sad", 'so "so"', "it's ok, {fine}"],
    ["b", "", "AP/+AA==", Buffer.from([0, 1, 2, 255]).toString("base64")],
    ["iv", "1 mon 2 days 03:04:05"],
    ["ip", "10.0.0.1", "2001:db8::/32"],
    ["nums", [1, null, -3], []],
    ["words", ["", "NULL", null, 'a"b', "c\\d", "{e,f}", "g,h"], []],
    [
      "grid",
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ["moods", ["sad", 'so "so"', "it's ok, {fine}"]],
    ["jbs", [{ a: 'x"y' }, [1, "z"], null]],
    ["price", 0, 999],
    ["r", "[1,5)", "empty"],
    ["bits", "101"],
    ["pr", '(1,"x,y")', "(,)"],
    ["prs", ['(1,"x,y")', "(2,z)"]],
  ];

  it("come back as they were written, also as before-images, and a second write leaves them alone", async () => {
    const records = exact.flatMap(([field, ...values], a) =>
      values.map((value, b) => ({ Id: a * 100 + b, [field]: value })),
    );
    // All fields together as well: a value taken apart (composites, lists) would move its neighbours.
    const whole = Object.fromEntries(exact.map(([field, value]) => [field, value!]));
    records.push({ Id: 99_000, ...whole }, { Id: 99_001, ...whole });
    for (const field of [...exact.map(([name]) => name), undefined]) {
      const some = records.filter((record) =>
        field ? field in record && Object.keys(record).length === 2 : "pr" in record && "i4" in record,
      );
      const first = await db.write("All Types", "upsert", ["Id"], some);
      expect(
        first.outcomes.filter((one) => one.outcome !== "created"),
        field,
      ).toEqual([]);
      for (const entry of first.entries) expect(entry.after).toEqual(some[entry.index]);
      const again = await db.write("All Types", "upsert", ["Id"], some);
      expect(new Set(again.short), field).toEqual(new Set(["unchanged"]));
      const foreseen = await db.foresee("All Types", "upsert", ["Id"], some);
      expect(new Set(foreseen.map((one) => one.outcome)), field).toEqual(new Set(["unchanged"]));
    }
    const stream = (await db.session.streams(calm())).find((one) => one.name === "All Types")!;
    const read = await db.read("All Types");
    expect(read).toHaveLength(records.length);
    for (const [at, record] of read.entries()) {
      expect(record).toMatchObject(records[at]!);
      checkFits(record, stream.fields);
    }
    const gone = await db.write(
      "All Types",
      "delete",
      ["Id"],
      records.map(({ Id }) => ({ Id })),
    );
    expect(gone.entries.map((entry) => entry.before)).toEqual(read);
    expect(new Set((await db.undo("All Types", gone.ledger)).short)).toEqual(new Set(["restored"]));
    expect(await db.read("All Types")).toEqual(read);
  });

  it("numbers in json keep all their digits, as text where a JS number would change them", async () => {
    await db.sql(`INSERT INTO "All Types" ("Id", jb, price) VALUES (80000, '{"n": [12345678901234567890, 1.5]}', 1)`);
    const [row] = (await db.read("All Types")).filter((one) => one.Id === 80_000);
    expect(row!.jb).toEqual({ n: ["12345678901234567890", 1.5] });
    await db.sql(`DELETE FROM "All Types" WHERE "Id" = 80000`);
  });

  /** Given, and stored as. */
  const converted: [field: string, given: Json, stored: Json][] = [
    ["i4", "007", 7],
    ["i4", "5.00", 5],
    ["i8", "1e3", 1000],
    ["n2", 12.5, "12.50"],
    ["n2", "1250e-2", "12.50"],
    ["select", 5, "5"],
    ["select", true, "true"],
    ["yes", "true", true],
    ["d", "2026-11-23T00:00:00Z", "2026-11-23"],
    ["ts", "2026-11-23T10:00:00+02:00", "2026-11-23T08:00:00"],
    ["ts", "2026-11-23T10:00:00Z", "2026-11-23T10:00:00"],
    ["tz", "2026-11-23T10:00:00+02:00", "2026-11-23T08:00:00Z"],
    ["tz", "2026-11-23T10:00:00", "2026-11-23T10:00:00Z"],
    ["tz", "2026-11-23", "2026-11-23T00:00:00Z"],
    ["u", "A0EEBC999C0B4EF8BB6D6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
  ];
  it.each(converted)("%s takes %j as %j", async (field, given, stored) => {
    const { outcomes, entries } = await db.write("All Types", "upsert", ["Id"], [{ Id: 90_000, [field]: given }]);
    expect(outcomes).not.toMatchObject([{ outcome: "failed" }]);
    const [row] = (await db.read("All Types")).filter((one) => one.Id === 90_000);
    expect(row![field]).toEqual(stored);
    for (const entry of entries) expect(entry.after).toMatchObject({ [field]: stored });
  });

  const refused: [field: string, value: Json, words: RegExp][] = [
    ["code", "abcdef", /at most 5 characters, found 6/],
    ["fixed", "abcde", /at most 4/],
    ["i2", 32768, /smallint holds/],
    ["i4", 2147483648, /integer holds whole numbers from -2147483648 to 2147483647, found 2147483648/],
    ["i4", "", /whole number, found ""/],
    ["i4", 1.5, /whole number/],
    ["i4", "12a", /whole number/],
    ["i8", "9223372036854775808", /bigint holds/],
    ["i4", true, /whole number/],
    ["n", "1,5", /expected a number/],
    ["n2", "12.505", /2 digits after the point/],
    ["n2", "123456789", /8 digits before the point/],
    ["nr", "150", /digits/],
    ["f4", 16777217, /cannot hold/],
    ["f8", "0.12345678901234567890", /cannot hold/],
    ["f8", "1e400", /cannot hold/],
    ["yes", "ja", /true or false/],
    ["d", "2026-02-30", /expected a date/],
    ["d", "23.11.2026", /expected a date/],
    ["d", "2026-11-23T10:00:00", /no time of day/],
    ["ts", "2026-11-23T25:00:00", /date and time/],
    ["ts", "2026-11-23T10:00:00.1234567", /6 digits/],
    ["ts0", "2026-11-23T10:00:00.5", /0 digits/],
    ["t", "25:00", /time of day/],
    ["t", "10:00Z", /no time zone/],
    ["u", "nonsense", /UUID/],
    ["m", "happy", /one of "sad"/],
    ["b", "not base64!", /base64/],
    ["select", "a\0b", /NUL/],
    ["select", "half \ud83d", /Unicode/],
    ["select", { a: 1 }, /found a record/],
    ["select", ["a"], /found a list/],
    ["jb", { a: "\0" }, /NUL/],
    ["jb", "\ud83d", /Unicode/],
    ["nums", ["x"], /in the list: expected a whole number/],
    ["nums", "1,2", /expected a list/],
    ["grid", [[1], [2, 3]], /equal length/],
    ["price", -1, /rule \(VALUE >= 0\)/],
    ["price", 1000, /< 1000/],
    ["price", null, /required/],
    ["iv", "soon", /invalid input syntax for type interval/],
    ["ip", "10.0.0.300", /invalid input syntax for type inet/],
    ["bits", "10", /3 binary digits/],
  ];
  it("that a column would cut, round or not take are refused, each with its field, in the dry run as in the write", async () => {
    const before = await db.read("All Types");
    const page = refused.flatMap(([field, value], at) => [
      { Id: 70_000 + at * 2, [field]: value },
      { Id: 70_001 + at * 2, [field]: null, price: 1 },
    ]);
    const foreseen = await db.foresee("All Types", "upsert", ["Id"], page);
    expect(await db.read("All Types")).toEqual(before);
    const { outcomes } = await db.write("All Types", "upsert", ["Id"], page);
    for (const [at, [field, value, words]] of refused.entries()) {
      const outcome = outcomes[at * 2]!;
      expect(outcome, `${field} ${JSON.stringify(value)}`).toMatchObject({
        outcome: "failed",
        failure: { kind: "rejected" },
      });
      if (outcome.outcome === "failed") {
        expect(outcome.failure.message).toMatch(words);
        if (!/invalid input/.test(words.source)) expect(outcome.failure.field).toBe(field);
      }
      expect(foreseen[at * 2], `${field} ${JSON.stringify(value)}`).toEqual(outcome);
      expect(outcomes[at * 2 + 1]!.outcome, `neighbour of ${field}`).toBe("created");
    }
  });
});
