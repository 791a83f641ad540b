/** Keys that the database makes come back with each record, in whatever way its server writes them. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonRecord } from "../sdk/types.ts";
import { openTestSession } from "./testing/session.ts";

let db: Awaited<ReturnType<typeof openTestSession>>;
beforeAll(async () => {
  db = await openTestSession(
    "made_keys",
    `CREATE SEQUENCE ticks;
     CREATE TABLE numbered (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text UNIQUE);
     CREATE TABLE marked (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), code text UNIQUE);
     CREATE TABLE stamped (id timestamptz PRIMARY KEY DEFAULT '2026-01-01T00:00:00Z'::timestamptz + nextval('ticks') * interval '90.5 s', code text UNIQUE);
     CREATE TABLE worded (id text PRIMARY KEY DEFAULT 'a "quoted", {odd} \\ key ' || nextval('ticks'), code text UNIQUE);
     CREATE TABLE keyless (code text UNIQUE)`,
  );
}, 60_000);
afterAll(() => db.stop());

test.each(["numbered", "marked", "stamped", "worded"])("%s", async (table) => {
  const first = await db.write(table, "upsert", ["code"], [{ code: "b" }, { code: "a" }]);
  expect(first.short).toEqual(["created", "created"]);
  const both = await db.write(table, "upsert", ["code"], [{ code: "c" }, { code: "a" }, { code: "d" }]);
  expect(both.short).toEqual(["created", "unchanged", "created"]);
  const stored = await db.read(table);
  const told = [...first.entries, ...both.entries].map(({ after }) => after!);
  const byCode = (a: JsonRecord, b: JsonRecord) => String(a.code).localeCompare(String(b.code));
  expect(told.sort(byCode)).toEqual(stored.sort(byCode));
  expect((await db.undo(table, first.ledger)).short).toEqual(["restored", "restored"]);
});

test("a table without a key of its own", async () => {
  const { short, entries } = await db.write("keyless", "upsert", ["code"], [{ code: "b" }, { code: "a" }]);
  expect(short).toEqual(["created", "created"]);
  expect(entries.map(({ after }) => after)).toEqual([{ code: "b" }, { code: "a" }]);
});
