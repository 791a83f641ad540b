/** What the target's own rules refuse: one record each, with a reason, and the same in the dry run. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { JsonRecord, Operation } from "../sdk/types.ts";
import { openTestSession } from "./testing/session.ts";

const sql = `
CREATE TABLE parties (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text UNIQUE NOT NULL, email text, name varchar(10) NOT NULL,
  boss int REFERENCES parties, credit numeric(8,2) DEFAULT 0 CHECK (credit >= 0), vip bool NOT NULL DEFAULT false,
  shout text GENERATED ALWAYS AS (upper(name)) STORED, CONSTRAINT vip_has_mail CHECK (NOT vip OR email IS NOT NULL));
CREATE UNIQUE INDEX parties_email_lower ON parties (lower(email));
CREATE TABLE invoices (number text, line int, party text REFERENCES parties(code), total numeric(8,2) NOT NULL, PRIMARY KEY (number, line));
CREATE TABLE loose (kind text, note text);
CREATE TABLE docs (id int PRIMARY KEY, j json, b jsonb);
CREATE TABLE deferred (id int PRIMARY KEY, parent int REFERENCES deferred DEFERRABLE INITIALLY DEFERRED, slot int UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE guarded (id int PRIMARY KEY, note text, touched timestamptz);
CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.note = 'forbidden' THEN RAISE EXCEPTION 'notes like this are forbidden' USING HINT = 'write nicer'; END IF;
  IF NEW.note = 'dropped' THEN RETURN NULL; END IF;
  NEW.note := trim(NEW.note); NEW.touched := '2026-01-01Z'; RETURN NEW; END $$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON guarded FOR EACH ROW EXECUTE FUNCTION guard();
CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id = 13 THEN RAISE EXCEPTION 'thirteen'; END IF; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON deferred DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION never();
CREATE TABLE sales (day date NOT NULL, id int NOT NULL, amount int, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
CREATE TABLE sales_25 PARTITION OF sales FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE sales_26 PARTITION OF sales FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');`;

describe("rules of the target", () => {
  let db: Awaited<ReturnType<typeof openTestSession>>;
  beforeAll(async () => {
    db = await openTestSession("pg_rules", sql);
  });
  afterAll(() => db?.stop());
  beforeEach(async () => {
    await db.sql("TRUNCATE parties, invoices, loose, deferred, guarded, sales RESTART IDENTITY CASCADE");
    await db.sql(
      "INSERT INTO parties (code, email, name) VALUES ('A', 'Ana@x.test', 'Ana'), ('B', 'bo@x.test', 'Bo'), ('C', NULL, 'Cy')",
    );
  });

  const same = async (sink: string, operation: Operation, match: string[], page: JsonRecord[]) => {
    const foreseen = await db.foresee(sink, operation, match, page);
    const written = await db.write(sink, operation, match, page);
    expect(foreseen.map((one) => (one.outcome === "failed" ? one : one.outcome))).toEqual(
      written.outcomes.map((one) => (one.outcome === "failed" ? one : one.outcome)),
    );
    return written;
  };
  const reasons = (outcomes: { outcome: string; failure?: { message: string; field?: string } }[]) =>
    outcomes.map((one) => (one.failure ? [one.failure.field, one.failure.message] : one.outcome));

  it("a nasty page: every reason names its field, neighbours are written, the dry run says the same", async () => {
    const page: JsonRecord[] = [
      { code: "A", email: "ana@x.test", name: "Anna" },
      { code: "N1", email: "BO@x.test", name: "same mail" },
      { code: "N2", email: "n2@x.test", name: "far too long a name" },
      { code: "N3", email: "n3@x.test", name: null },
      { code: "N4", email: "n4@x.test", name: "ok" },
      { code: null, email: "n5@x.test", name: "no code" },
      { code: "N6", email: "n6@x.test", name: "credit", credit: -1 },
      { code: "N7", email: "n7@x.test", name: "credit", credit: "1.005" },
      { code: "N8", email: null, name: "vip", vip: true },
      { code: "C", email: null, name: "Cy", vip: true },
      { code: "N9", email: "n9@x.test", name: "boss", boss: 999 },
      { code: "N10", email: "n10@x.test", name: "boss", boss: 1 },
      { code: "N11", name: "unknown", colour: "red" },
      { code: "N12", name: "own id", id: 5 },
      { code: "N13", email: "n13@x.test" },
      { code: "B", email: "bo@x.test" },
      { code: "B", email: "bob@x.test", name: "Bo" },
    ];
    const { outcomes, entries } = await same("parties", "upsert", ["code"], page);
    expect(reasons(outcomes)).toMatchObject([
      "updated",
      [undefined, expect.stringContaining("parties_email_lower")],
      ["name", expect.stringContaining("at most 10 characters")],
      ["name", expect.stringContaining("required")],
      "created",
      ["code", expect.stringContaining("finds the record")],
      ["credit", expect.stringContaining("expected credit >= 0, found -1")],
      ["credit", expect.stringContaining("2 digits after the point")],
      [undefined, expect.stringContaining("vip_has_mail")],
      [undefined, expect.stringContaining("vip_has_mail")],
      ["boss", expect.stringContaining("parties has no record with id 999")],
      "created",
      ["colour", expect.stringContaining("no field “colour”")],
      ["id", expect.stringContaining("filled by the database")],
      ["name", expect.stringContaining("required")],
      "unchanged",
      "updated",
    ]);
    expect(await db.sql("SELECT code, name, shout, boss FROM parties ORDER BY code")).toEqual([
      { code: "A", name: "Anna", shout: "ANNA", boss: null },
      { code: "B", name: "Bo", shout: "BO", boss: null },
      { code: "C", name: "Cy", shout: "CY", boss: null },
      { code: "N10", name: "boss", shout: "BOSS", boss: 1 },
      { code: "N4", name: "ok", shout: "OK", boss: null },
    ]);
    const made = entries.find((entry) => entry.index === 4)!;
    expect(made).toMatchObject({ operation: "create", identity: { code: "N4" }, before: null });
    expect(made.after).toMatchObject({ code: "N4", name: "ok", id: expect.any(Number) });
  });

  it("a unique value taken earlier on the same page is refused, and the first one wins", async () => {
    const page = [
      { code: "X", name: "one" },
      { code: "Y", name: "two" },
      { code: "X", name: "three" },
    ];
    const { outcomes } = await same("parties", "insert", [], page);
    expect(reasons(outcomes)).toMatchObject(["created", "created", ["code", expect.stringContaining('code "X"')]]);
  });

  it("a value taken on the same page counts for partial indexes and expressions too", async () => {
    await db.sql(`CREATE TABLE seats (id int PRIMARY KEY, guest text, here boolean);
      CREATE UNIQUE INDEX seats_here ON seats (guest) WHERE here; CREATE UNIQUE INDEX seats_lower ON seats (lower(guest), here)`);
    const page = [
      { id: 1, guest: "ana", here: true },
      { id: 2, guest: "ana", here: true },
      { id: 3, guest: "ana", here: false },
      { id: 4, guest: "Ana", here: false },
      { id: 5, guest: null, here: true },
      { id: 6, guest: null, here: true },
    ];
    const { outcomes } = await same("seats", "upsert", ["id"], page);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([
      "created",
      "failed",
      "created",
      "failed",
      "created",
      "created",
    ]);
  });

  it("an insert of what an earlier page of the dry run inserted is refused", async () => {
    const assumed = new Map<string, JsonRecord | null>([["k0", { code: "AGAIN", name: "a" }]]);
    const [foreseen] = await db.foresee("parties", "insert", [], [{ code: "AGAIN", name: "b" }], assumed);
    expect(foreseen).toMatchObject({ outcome: "failed", failure: { field: "code" } });
  });

  it("the second record with one match acts on what the first one left", async () => {
    const { short } = await same(
      "parties",
      "upsert",
      ["code"],
      [
        { code: "Z", name: "first" },
        { code: "Z", name: "second" },
        { code: "Z", name: "second" },
      ],
    );
    expect(short).toEqual(["created", "updated", "unchanged"]);
  });

  it("rows are found by a key of two fields; a missing update and a missing delete differ", async () => {
    await db.write(
      "invoices",
      "insert",
      [],
      [
        { number: "1", line: 1, party: "A", total: 10 },
        { number: "1", line: 2, party: "A", total: 5 },
      ],
    );
    const { short } = await same(
      "invoices",
      "update",
      ["number", "line"],
      [
        { number: "1", line: 2, total: 6 },
        { number: "1", line: 3, total: 1 },
        { number: "1", line: 1, total: "10.00" },
      ],
    );
    expect(short).toEqual(["updated", "failed", "unchanged"]);
    expect(
      (
        await same(
          "invoices",
          "delete",
          ["number", "line"],
          [
            { number: "1", line: 2 },
            { number: "9", line: 9 },
          ],
        )
      ).short,
    ).toEqual(["deleted", "unchanged"]);
  });

  it("a reference to nothing, and a record that others still refer to", async () => {
    const { outcomes } = await same(
      "invoices",
      "upsert",
      ["number", "line"],
      [
        { number: "1", line: 1, party: "nobody", total: 1 },
        { number: "1", line: 2, party: "A", total: 1 },
      ],
    );
    expect(reasons(outcomes)).toMatchObject([
      ["party", expect.stringMatching(/parties has no record with code "nobody"/)],
      "created",
    ]);
    const gone = await same("parties", "delete", ["code"], [{ code: "A" }, { code: "B" }]);
    expect(reasons(gone.outcomes)).toMatchObject([
      [undefined, expect.stringMatching(/Records of invoices still refer/)],
      "deleted",
    ]);
  });

  it("a match that is not unique: several hits are named, none is written", async () => {
    await db.sql("INSERT INTO loose VALUES ('a', '1'), ('a', '2'), ('b', '1')");
    const { outcomes } = await same(
      "loose",
      "upsert",
      ["kind"],
      [
        { kind: "a", note: "x" },
        { kind: "b", note: "x" },
        { kind: "c", note: "x" },
      ],
    );
    expect(reasons(outcomes)).toMatchObject([
      ["kind", expect.stringContaining('2 records of loose have kind "a"')],
      "updated",
      "created",
    ]);
  });

  it("deferred constraints cost only their own records", async () => {
    const { outcomes } = await db.write(
      "deferred",
      "upsert",
      ["id"],
      [
        { id: 1, parent: 2, slot: 1 },
        { id: 2, parent: null, slot: 2 },
        { id: 3, parent: 99, slot: 3 },
        { id: 4, parent: 1, slot: 1 },
        { id: 13, parent: 1, slot: 13 },
        { id: 5, parent: 1, slot: 5 },
      ],
    );
    expect(reasons(outcomes)).toMatchObject([
      "created",
      "created",
      ["parent", expect.stringContaining("deferred has no record with id 99")],
      ["slot", expect.stringContaining("slot 1")],
      [undefined, expect.stringContaining("thirteen")],
      "created",
    ]);
    expect(await db.sql("SELECT id FROM deferred ORDER BY id")).toEqual([{ id: 1 }, { id: 2 }, { id: 5 }]);
  });

  it("triggers may change, refuse and drop a record", async () => {
    const { outcomes, entries } = await db.write(
      "guarded",
      "upsert",
      ["id"],
      [
        { id: 1, note: "  blanks  " },
        { id: 2, note: "forbidden" },
        { id: 3, note: "dropped" },
        { id: 4, note: "fine" },
      ],
    );
    expect(reasons(outcomes)).toMatchObject([
      "created",
      [undefined, expect.stringContaining("notes like this are forbidden")],
      [undefined, expect.stringContaining("trigger")],
      "created",
    ]);
    expect(entries[0]!.after).toEqual({ id: 1, note: "blanks" });
    const again = await db.write(
      "guarded",
      "upsert",
      ["id"],
      [
        { id: 1, note: " blanks " },
        { id: 4, note: "dropped" },
      ],
    );
    expect(again.short).toEqual(["unchanged", "failed"]);
    expect(again.entries).toEqual([]);
  });

  it("partitioned tables, also when a row has no partition", async () => {
    const { outcomes, ledger } = await db.write(
      "sales",
      "upsert",
      ["day", "id"],
      [
        { day: "2025-05-05", id: 1, amount: 1 },
        { day: "2026-05-05", id: 1, amount: 2 },
        { day: "2030-05-05", id: 1, amount: 3 },
      ],
    );
    expect(reasons(outcomes)).toMatchObject([
      "created",
      "created",
      [undefined, expect.stringContaining("no partition")],
    ]);
    expect((await db.write("sales", "upsert", ["day", "id"], [{ day: "2026-05-05", id: 1, amount: 4 }])).short).toEqual(
      ["updated"],
    );
    expect(await db.read("sales")).toEqual([
      { day: "2025-05-05", id: 1, amount: 1 },
      { day: "2026-05-05", id: 1, amount: 4 },
    ]);
    expect((await db.undo("sales", ledger)).short).toEqual(["conflict", "restored"]);
  });

  it("a dry run writes nothing and draws no number", async () => {
    const number = async () => (await db.sql("SELECT last_value, is_called FROM parties_id_seq"))[0];
    const [before, rows] = [await number(), await db.sql("SELECT * FROM parties ORDER BY id")];
    const foreseen = await db.foresee("parties", "insert", [], [{ code: "Q", name: "q" }]);
    expect(foreseen).toEqual([
      { outcome: "created", identity: { code: "Q", name: "q" }, before: null, after: { code: "Q", name: "q" } },
    ]);
    expect(await number()).toEqual(before);
    expect(await db.sql("SELECT * FROM parties ORDER BY id")).toEqual(rows);
  });

  it("a dry run keeps in mind what its earlier pages took, gave up and deleted", async () => {
    const assumed = new Map<string, JsonRecord | null>([
      ["other", { email: "o@x.test", code: "T", name: "t" }],
      ["moved", { email: "Ana@x.test", code: "moved", name: "Ana" }],
      ["k2", null],
    ]);
    const page = [
      { email: "n@x.test", code: "T", name: "taken" },
      { email: "m@x.test", code: "A", name: "free" },
      { email: "bo@x.test", code: "B", name: "again" },
    ];
    const foreseen = await db.foresee("parties", "upsert", ["email"], page, assumed);
    expect(reasons(foreseen)).toMatchObject([["code", expect.stringContaining('code "T"')], "created", "created"]);
  });

  it("undo of a delete brings identity and computed columns back; a refused delete is a reason, not a stop", async () => {
    const before = await db.sql("SELECT * FROM parties ORDER BY id");
    const gone = await db.write("parties", "delete", ["code"], [{ code: "B" }]);
    expect((await db.undo("parties", gone.ledger)).short).toEqual(["restored"]);
    expect(await db.sql("SELECT * FROM parties ORDER BY id")).toEqual(before);
    const made = await db.write(
      "parties",
      "insert",
      [],
      [
        { code: "P", name: "p" },
        { code: "Q", name: "q" },
      ],
    );
    expect(made.entries[0]!.identity).toEqual({ id: expect.any(Number) });
    await db.sql("INSERT INTO invoices VALUES ('1', 1, 'P', 5)");
    const back = await db.undo("parties", made.ledger);
    expect(back.outcomes).toMatchObject([
      { outcome: "restored" },
      { outcome: "failed", failure: { kind: "rejected", message: expect.stringContaining("invoices") } },
    ]);
    expect(await db.sql("SELECT code FROM parties WHERE code IN ('P', 'Q')")).toEqual([{ code: "P" }]);
  });

  it("undo brings JSON back that no record can hold: its own null, and more digits than a number has", async () => {
    const page = [1, 2, 3, 4, 5].map((id) => ({ id, j: { new: id }, b: { new: id } }));
    await db.sql(`INSERT INTO docs VALUES (1, 'null', 'null'), (2, NULL, NULL), (4, '"text"', '[null, {"a": null}]'),
      (3, '{"n":9007199254740993}', '{"n": [12345678901234567890.123456789, "9007199254740993"]}'), (5, '{"$json":"x"}', '{"$json": "null"}')`);
    const stored = () => db.sql("SELECT id, j::text, b::text FROM docs ORDER BY id");
    const before = await stored();
    const changed = await db.write("docs", "upsert", ["id"], page);
    expect((await db.undo("docs", changed.ledger)).short).toEqual(Array(5).fill("restored"));
    expect(await stored()).toEqual(before);
    const gone = await db.write(
      "docs",
      "delete",
      ["id"],
      page.map(({ id }) => ({ id })),
    );
    expect(await stored()).toEqual([]);
    expect((await db.undo("docs", gone.ledger)).short).toEqual(Array(5).fill("restored"));
    expect(await stored()).toEqual(before);
    expect((await db.undo("docs", gone.ledger)).outcomes).toEqual(Array(5).fill({ outcome: "restored", entry: null }));
  });

  it("undo says of a field that is gone that it is gone", async () => {
    await db.sql("TRUNCATE docs");
    const made = await db.write("docs", "upsert", ["id"], [{ id: 1, j: 1, b: 1 }]);
    await db.sql("ALTER TABLE docs RENAME b TO c");
    expect((await db.undo("docs", made.ledger)).outcomes).toMatchObject([
      { outcome: "conflict", message: expect.stringContaining("no longer has the field “b”") },
    ]);
    await db.sql("ALTER TABLE docs RENAME c TO b");
    expect((await db.undo("docs", made.ledger, { preview: true })).short).toEqual(["restored"]);
    await db.sql("ALTER TABLE docs RENAME id TO nr");
    await expect(db.undo("docs", made.ledger)).rejects.toMatchObject({ kind: "settings", code: "field-missing" });
    await db.sql("ALTER TABLE docs RENAME nr TO id");
  });

  it("undo of rows without any key removes as many as were written", async () => {
    await db.sql("INSERT INTO loose VALUES ('twin', 'x')");
    const made = await db.write(
      "loose",
      "insert",
      [],
      [
        { kind: "twin", note: "x" },
        { kind: "twin", note: "x" },
      ],
    );
    expect((await db.undo("loose", made.ledger)).short).toEqual(["restored", "restored"]);
    expect(await db.sql("SELECT * FROM loose")).toEqual([{ kind: "twin", note: "x" }]);
  });
});
