/** Records that get a unique value which another record of the page gives up: in a chain, or each other's. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { JsonRecord, Operation } from "../sdk/types.ts";
import { openTestSession } from "./testing/session.ts";

const sql = `
CREATE TABLE parts (id int PRIMARY KEY, sku varchar(6) UNIQUE NOT NULL, shelf int, place int, note text, UNIQUE (shelf, place));
CREATE TABLE ranks (id int PRIMARY KEY, rank int UNIQUE NOT NULL CHECK (rank > 0), name text);
CREATE UNIQUE INDEX ranks_name ON ranks (lower(name));`;

describe("unique values that records of a page hand on to each other", () => {
  let db: Awaited<ReturnType<typeof openTestSession>>;
  beforeAll(async () => {
    db = await openTestSession("pg_trade", sql);
  });
  afterAll(() => db?.stop());
  beforeEach(async () => {
    await db.sql("TRUNCATE parts, ranks");
    await db.sql(
      `INSERT INTO parts VALUES (1, 'A', 1, 1, 'one'), (2, 'B', 1, 2, 'two'), (3, 'C', 1, 3, NULL), (4, 'D', 2, 1, '')`,
    );
    await db.sql("INSERT INTO ranks VALUES (1, 1, 'ana'), (2, 2, 'bo')");
  });
  const parts = () => db.sql("SELECT * FROM parts ORDER BY id");

  /** Writes what the dry run foresaw, undoes it, and finds all as it was, byte for byte. */
  const thereAndBack = async (page: JsonRecord[], operation: Operation = "upsert") => {
    const before = await parts();
    const foreseen = await db.foresee("parts", operation, ["id"], page);
    const written = await db.write("parts", operation, ["id"], page);
    expect(foreseen.map(({ outcome }) => outcome)).toEqual(written.short);
    const after = await parts();
    const undone = await db.undo("parts", written.ledger);
    expect(undone.short).toEqual(written.ledger.map(() => "restored"));
    expect(await parts()).toEqual(before);
    return { ...written, after, undone, foreseen };
  };

  it("two records trade theirs, and trade them back", async () => {
    const { short, entries, undone, foreseen } = await thereAndBack([
      { id: 1, sku: "B", note: "one" },
      { id: 2, sku: "A", note: "new" },
    ]);
    expect(short).toEqual(["updated", "updated"]);
    expect(entries.map(({ before, after }) => [before, after])).toEqual([
      [{ sku: "A" }, { sku: "B" }],
      [
        { sku: "B", note: "two" },
        { sku: "A", note: "new" },
      ],
    ]);
    expect(foreseen).toMatchObject(entries.map(({ before, after }) => ({ before, after })));
    expect(undone.entries.map(({ before, after }) => [before?.sku, after?.sku])).toEqual([
      ["A", "B"],
      ["B", "A"],
    ]);
  });

  it("a chain is written from its end, a ring of three and a pair of fields in one go", async () => {
    expect(
      (
        await thereAndBack([
          { id: 1, sku: "B" },
          { id: 2, sku: "C" },
          { id: 3, sku: "X" },
        ])
      ).short,
    ).toEqual(Array(3).fill("updated"));
    expect(
      (
        await thereAndBack([
          { id: 1, sku: "B" },
          { id: 2, sku: "C" },
          { id: 3, sku: "A" },
        ])
      ).short,
    ).toEqual(Array(3).fill("updated"));
    const moved = [
      { id: 1, shelf: 1, place: 2 },
      { id: 2, shelf: 2, place: 1 },
      { id: 4, shelf: 1, place: 1 },
    ];
    expect((await thereAndBack(moved, "update")).short).toEqual(Array(3).fill("updated"));
  });

  it("what is held by a record that keeps it is refused, and costs the others nothing", async () => {
    const { short, after } = await thereAndBack([
      { id: 1, sku: "B", note: "x" },
      { id: 2, sku: "A", note: "x" },
      { id: 3, sku: "D", note: "x" },
      { id: 9, sku: "E", note: "x" },
      { id: 8, sku: "C", note: "x" },
    ]);
    expect(short).toEqual(["updated", "updated", "failed", "created", "failed"]);
    expect(after.map(({ id, sku }) => `${id}${sku}`)).toEqual(["1B", "2A", "3C", "4D", "9E"]);
  });

  it("a new record takes what another gives up; back again, the new one goes first", async () => {
    const page = [
      { id: 1, sku: "Z" },
      { id: 0, sku: "A" },
    ];
    expect((await thereAndBack(page)).short).toEqual(["updated", "created"]);
  });

  it("where a rule of the table forbids the way there, all is as before, and the reason is told", async () => {
    const page = [
      { id: 1, rank: 2 },
      { id: 2, rank: 1 },
    ];
    const { outcomes } = await db.write("ranks", "update", ["id"], page);
    expect(outcomes).toMatchObject(
      Array(2).fill({ outcome: "failed", failure: { code: "not-unique", field: "rank" } }),
    );
    const names = [
      { id: 1, name: "Bo" },
      { id: 2, name: "Ana" },
    ];
    expect((await db.write("ranks", "update", ["id"], names)).short).toEqual(["failed", "failed"]);
    expect((await db.foresee("ranks", "update", ["id"], names)).map(({ outcome }) => outcome)).toEqual([
      "failed",
      "failed",
    ]);
    expect(await db.sql("SELECT id, rank, name FROM ranks ORDER BY id")).toEqual([
      { id: 1, rank: 1, name: "ana" },
      { id: 2, rank: 2, name: "bo" },
    ]);
  });
});
