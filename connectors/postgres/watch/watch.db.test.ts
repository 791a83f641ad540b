/** Following a table through its recorder, on a real server: whatever writers do, nothing is missed. */
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ChangesPage, ChangesRequest, Watching } from "../../sdk/changes.ts";
import type { Json, JsonRecord } from "../../sdk/types.ts";
import { calm } from "../../testing/sessions.ts";
import { openTestSession, sessionOn } from "../testing/session.ts";

let world: Awaited<ReturnType<typeof openTestSession>>;
let watching: Watching;
let slow: pg.Client;
const others: pg.Client[] = [];

async function client(): Promise<pg.Client> {
  const made = new pg.Client({ connectionString: world.database.url });
  await made.connect();
  others.push(made);
  return made;
}

beforeAll(async () => {
  world = await openTestSession("watch", "");
  watching = world.session.watching as Watching;
  slow = await client();
});
afterAll(async () => {
  for (const one of others) await one.end();
  await world.stop();
});

let after: Json;
beforeEach(async () => {
  after = null;
  await slow.query("ROLLBACK");
  await watching.remove("stock", calm()).catch(() => {});
  await world.sql("DROP TABLE IF EXISTS stock CASCADE");
  await world.sql("CREATE TABLE stock (id int PRIMARY KEY, sku text NOT NULL, level int NOT NULL DEFAULT 0)");
  await world.sql("INSERT INTO stock SELECT i, 'S' || i, i FROM generate_series(1, 5) i");
});

async function pagesOf(options: Partial<ChangesRequest> = {}): Promise<ChangesPage[]> {
  const pages: ChangesPage[] = [];
  const request = { stream: "stock", cursor: null, after, deletes: true, existing: true, pageSize: 100 };
  for await (const page of watching.changes({ ...request, signal: calm(), ...options }))
    pages.push(JSON.parse(JSON.stringify(page)));
  return pages;
}

const told = (pages: ChangesPage[]) =>
  pages.flatMap(({ records, kinds }) => records.map(({ id, level }, at) => `${kinds[at]} ${id}=${level}`));

/** One run: reads what changed and remembers where it stands. */
async function run(options: Partial<ChangesRequest> = {}): Promise<string[]> {
  const pages = await pagesOf(options);
  after = pages.at(-1)?.position ?? after;
  return told(pages);
}

async function look() {
  return await watching.look({ stream: "stock", position: after, signal: calm() });
}

async function watched(): Promise<void> {
  await watching.install("stock", calm());
  await run();
}

const infoOf = async () => (await world.session.streams(calm())).find(({ name }) => name === "stock")?.watch;
const logged = async () => Number((await world.sql("SELECT count(*) FROM plumbline_change"))[0].count);

describe("installing", () => {
  it("says that nothing is installed, what would be, and then that it is", async () => {
    expect(await infoOf()).toMatchObject({ state: "off" });
    const plan = await watching.plan("stock", calm());
    expect(plan.summary.join(" ")).toContain("stock");
    expect(plan.script).toContain("CREATE TRIGGER");
    await watching.install("stock", calm());
    expect(await infoOf()).toEqual({ state: "on" });
  });

  it("an administrator's script does the same", async () => {
    await world.sql((await watching.plan("stock", calm())).script);
    expect(await infoOf()).toEqual({ state: "on" });
    await run();
    await world.sql("UPDATE stock SET level = 50 WHERE id = 5");
    expect(await run()).toEqual(["update 5=50"]);
    await world.sql((await watching.plan("stock", calm())).script); // once more
    expect(await infoOf()).toEqual({ state: "on" });
  });

  it("hides its own tables, and removing leaves nothing behind", async () => {
    await watched();
    expect((await world.session.streams(calm())).map(({ name }) => name)).toEqual(["stock"]);
    expect((await world.session.sinks(calm())).map(({ name }) => name)).toEqual(["stock"]);
    await watching.remove("stock", calm());
    expect(await infoOf()).toMatchObject({ state: "off" });
    expect(
      await world.sql(
        "SELECT relname FROM pg_class WHERE relname LIKE 'plumbline%' UNION ALL SELECT proname FROM pg_proc WHERE proname LIKE 'plumbline%' UNION ALL SELECT tgname FROM pg_trigger WHERE tgname LIKE 'plumbline%'",
      ),
    ).toEqual([]);
    await world.sql("UPDATE stock SET level = 1");
  });

  it("refuses tables whose rows cannot be told apart, and views", async () => {
    await world.sql("CREATE TABLE IF NOT EXISTS loose (a int); CREATE OR REPLACE VIEW seen AS SELECT 1 AS a");
    const streams = await world.session.streams(calm());
    expect(streams.find(({ name }) => name === "loose")?.watch).toMatchObject({ state: "impossible" });
    expect(streams.find(({ name }) => name === "seen")?.watch).toMatchObject({ state: "impossible" });
    await expect(watching.install("loose", calm())).rejects.toMatchObject({ code: "not-watchable" });
    await world.sql("DROP TABLE loose; DROP VIEW seen");
  });

  it("without the right to install it says which is missing, and all is read by looking", async () => {
    const role = `reader_${process.pid}`;
    await world.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'reads-only'; GRANT SELECT ON stock TO ${role}`);
    await world.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    const poor = await sessionOn(world.database, {}, { user: role, password: "reads-only" });
    try {
      const [stream] = await poor.streams(calm());
      expect(stream?.watch).toMatchObject({ state: "refused" });
      expect(stream?.watch?.note).toContain("TRIGGER on stock");
      const error = await poor.watching!.install("stock", calm()).catch((one: unknown) => one);
      expect(error).toMatchObject({ kind: "settings", code: "watch-refused" });
      const read: JsonRecord[] = [];
      const request = { stream: "stock", cursor: null, after: null, deletes: true, existing: true, pageSize: 2 };
      for await (const page of poor.watching!.changes({ ...request, signal: calm() })) read.push(...page.records);
      expect(read).toHaveLength(5);
      await watching.install("stock", calm()); // by somebody else, who granted nothing
      expect((await poor.streams(calm()))[0]?.watch).toMatchObject({ state: "broken" });
      const look = await poor.watching!.look({ stream: "stock", position: null, signal: calm() });
      expect(look).toMatchObject({ live: false, note: expect.stringContaining("may not read") });
    } finally {
      await poor.close();
      await world.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });

  it("a user who does not own the table can install and remove", async () => {
    const role = `guest_${process.pid}`;
    await world.sql(
      `CREATE ROLE ${role} LOGIN PASSWORD 'guest-of-shop'; GRANT SELECT, TRIGGER ON stock TO ${role}; GRANT CREATE ON SCHEMA public TO ${role}`,
    );
    const guest = await sessionOn(world.database, {}, { user: role, password: "guest-of-shop" });
    try {
      await guest.watching!.install("stock", calm());
      await world.sql("UPDATE stock SET level = 9 WHERE id = 1"); // another user's write is recorded
      expect(await logged()).toBe(1);
      await guest.watching!.install("stock", calm());
      await world.sql(`REVOKE SELECT ON stock FROM ${role}`);
      await world.sql("TRUNCATE stock"); // what the recorder may not read does not stop it
      await world.sql(`GRANT SELECT ON stock TO ${role}`);
      await guest.watching!.remove("stock", calm());
      expect((await guest.streams(calm()))[0]?.watch).toMatchObject({ state: "off" });
    } finally {
      await guest.close();
      await world.sql(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
    }
  });
});

describe("changes", () => {
  it("reads what is there first, then only what changed, each row once as it is now", async () => {
    await watching.install("stock", calm());
    expect(await run()).toEqual(["read 1=1", "read 2=2", "read 3=3", "read 4=4", "read 5=5"]);
    expect(await run()).toEqual([]);
    await world.sql("UPDATE stock SET level = 10 WHERE id = 1");
    await world.sql("UPDATE stock SET level = 11 WHERE id = 1");
    await world.sql("INSERT INTO stock VALUES (6, 'S6', 6)");
    await world.sql("DELETE FROM stock WHERE id = 2");
    expect(await look()).toMatchObject({ live: true, pending: true });
    expect(await run()).toEqual(["update 1=11", "create 6=6", "delete 2=2"]);
    expect(await run()).toEqual([]);
    expect(await look()).toEqual({ live: true, missed: false, pending: false });
  });

  it("leaves deleted rows out when they are not wanted", async () => {
    await watched();
    await world.sql("DELETE FROM stock WHERE id < 3");
    expect(await run({ deletes: false })).toEqual([]);
    expect(await look()).toEqual({ live: true, missed: false, pending: false });
  });

  it("begins with what comes next when what exists is not wanted", async () => {
    await watching.install("stock", calm());
    expect(await run({ existing: false })).toEqual([]);
    await world.sql("UPDATE stock SET level = 7 WHERE id = 3");
    expect(await run({ existing: false })).toEqual(["update 3=7"]);
  });

  it("finds what a transaction commits late, whatever was read meanwhile, and gives nothing twice", async () => {
    await watched();
    await slow.query("BEGIN; UPDATE stock SET level = 100 WHERE id = 1");
    await world.sql("UPDATE stock SET level = 20 WHERE id = 2");
    expect(await run()).toEqual(["update 2=20"]);
    await world.sql("UPDATE stock SET level = 30 WHERE id = 3");
    expect(await run()).toEqual(["update 3=30"]);
    await slow.query("COMMIT");
    expect(await run()).toEqual(["update 1=100"]);
    expect(await run()).toEqual([]);
  });

  it("what was rolled back, also to a savepoint, never shows", async () => {
    await watched();
    await slow.query("BEGIN; UPDATE stock SET level = 1 WHERE id = 1; ROLLBACK");
    await slow.query(
      "BEGIN; SAVEPOINT a; UPDATE stock SET level = 99 WHERE id = 2; ROLLBACK TO a; UPDATE stock SET level = 33 WHERE id = 3; COMMIT",
    );
    expect(await run()).toEqual(["update 3=33"]);
  });

  it("a change while the table is first read is not missed", async () => {
    await watching.install("stock", calm());
    const request = { stream: "stock", cursor: null, after: null, deletes: true, existing: true, pageSize: 2 };
    const seen: string[] = [];
    let pages = 0;
    for await (const page of watching.changes({ ...request, signal: calm() })) {
      if (++pages === 1) {
        await world.sql("UPDATE stock SET level = 1000 WHERE id = 1"); // behind the reader
        await world.sql("INSERT INTO stock VALUES (0, 'S0', 0)");
      }
      seen.push(...told([page]));
      after = page.position;
    }
    seen.push(...(await run()));
    expect(seen).toContain("update 1=1000");
    expect(seen).toContain("create 0=0");
  });

  it("resumes from every position without losing a row or giving one twice", async () => {
    await watching.install("stock", calm());
    const load = await pagesOf({ pageSize: 2 });
    for (const [at, page] of load.entries()) {
      const rest = told(await pagesOf({ pageSize: 3, cursor: page.position }));
      expect([...told(load.slice(0, at + 1)), ...rest]).toEqual(told(load));
      after = page.position; // cancelled there, and a new run
      expect([...told(load.slice(0, at + 1)), ...told(await pagesOf())]).toEqual(told(load));
    }
    after = load.at(-1)!.position;
    for (let id = 1; id <= 5; id++) await world.sql(`UPDATE stock SET level = ${id * 100} WHERE id = ${id}`);
    const pages = await pagesOf({ pageSize: 2 });
    expect(told(pages)).toHaveLength(5);
    await world.sql("UPDATE stock SET level = level + 1 WHERE id = 5"); // after the run began
    for (const [at, page] of pages.slice(0, -1).entries()) {
      const rest = told(await pagesOf({ pageSize: 2, cursor: page.position }));
      const ids = [...told(pages.slice(0, at + 1)), ...rest].map((one) => one.split("=")[0]);
      expect(ids.toSorted()).toEqual(["update 1", "update 2", "update 3", "update 4", "update 5"].toSorted());
    }
    after = pages.at(-1)!.position;
    expect(await run()).toEqual(["update 5=501"]);
  });

  it("keeps to a limit and goes on behind it", async () => {
    await watched();
    await world.sql("UPDATE stock SET level = level + 10");
    const seen: string[] = [];
    for (let times = 0; times < 4; times++) seen.push(...(await run({ limit: 2 })));
    expect(seen.toSorted()).toEqual(["update 1=11", "update 2=12", "update 3=13", "update 4=14", "update 5=15"]);
  });

  it("a changed key is one row gone and one changed; TRUNCATE deletes every row", async () => {
    await watched();
    await world.sql("UPDATE stock SET id = id + 10 WHERE id IN (1, 2)");
    expect((await run()).toSorted()).toEqual(["delete 1=1", "delete 2=2", "update 11=1", "update 12=2"]);
    await world.sql("TRUNCATE stock");
    expect((await run()).toSorted()).toEqual(["delete 11=1", "delete 12=2", "delete 3=3", "delete 4=4", "delete 5=5"]);
    await world.sql("BEGIN; TRUNCATE stock; INSERT INTO stock VALUES (3, 'S3', 1); COMMIT");
    expect(await run()).toEqual(["create 3=1"]);
  });

  it("upserts, COPY-like bulk and cascades are recorded", async () => {
    await world.sql("CREATE TABLE place (id int PRIMARY KEY); INSERT INTO place VALUES (1)");
    await world.sql("ALTER TABLE stock ADD COLUMN place int REFERENCES place ON DELETE CASCADE");
    await world.sql("UPDATE stock SET place = 1 WHERE id = 5");
    await watched();
    await world.sql(
      "INSERT INTO stock VALUES (1, 'S1', 77), (8, 'S8', 8) ON CONFLICT (id) DO UPDATE SET level = excluded.level",
    );
    expect((await run()).toSorted()).toEqual(["create 8=8", "update 1=77"]);
    await world.sql("DELETE FROM place");
    expect(await run()).toEqual(["delete 5=5"]);
    await world.sql("INSERT INTO stock SELECT i, 'B' || i, i FROM generate_series(1001, 26000) i");
    const bulk = await run({ pageSize: 1000 });
    expect(bulk).toHaveLength(25_000);
    expect(new Set(bulk).size).toBe(25_000);
    await world.sql("UPDATE stock SET id = id + 100000 WHERE id > 1000");
    expect(await run({ pageSize: 5000 })).toHaveLength(50_000);
    await world.sql("DROP TABLE place CASCADE");
  });

  it("keys of any type find their rows", async () => {
    await world.sql("DROP TABLE stock");
    await world.sql(
      `CREATE TABLE stock (at timestamptz, code char(4), part numeric(10,2), id uuid, level int, PRIMARY KEY (at, code, part, id))`,
    );
    await watched();
    await slow.query("SET DateStyle = 'German'; SET TimeZone = 'Asia/Kolkata'");
    await slow.query(
      "INSERT INTO stock VALUES ('2026-03-01 08:00:00.123456+02', 'a\"{', 1.50, '6f1a1b1e-1111-4111-8111-111111111111', 4)",
    );
    await slow.query("RESET ALL");
    const [page] = await pagesOf();
    expect(page?.records).toEqual([
      {
        at: "2026-03-01T06:00:00.123456Z",
        code: 'a"{',
        part: "1.50",
        id: "6f1a1b1e-1111-4111-8111-111111111111",
        level: 4,
      },
    ]);
  });

  it("partitions are followed through their parent", async () => {
    await world.sql("DROP TABLE stock");
    await world.sql(
      "CREATE TABLE stock (id int, region text, level int, PRIMARY KEY (id, region)) PARTITION BY LIST (region)",
    );
    await world.sql(
      "CREATE TABLE stock_north PARTITION OF stock FOR VALUES IN ('north'); CREATE TABLE stock_south PARTITION OF stock FOR VALUES IN ('south')",
    );
    await watched();
    expect(await infoOf()).toEqual({ state: "on" });
    await world.sql("INSERT INTO stock VALUES (1, 'north', 1)");
    await world.sql("INSERT INTO stock_south VALUES (2, 'south', 2)");
    expect(await run()).toEqual(["create 1=1", "create 2=2"]);
    await world.sql("UPDATE stock SET region = 'south' WHERE id = 1"); // moves to the other partition
    expect((await run()).toSorted()).toEqual(["create 1=1", "delete 1=1"]);
    await world.sql(
      "CREATE TABLE stock_west AS SELECT 3 AS id, 'west' AS region, 3 AS level; ALTER TABLE stock_west ALTER id SET NOT NULL, ALTER region SET NOT NULL",
    );
    await world.sql("ALTER TABLE stock ATTACH PARTITION stock_west FOR VALUES IN ('west')");
    expect(await run()).toContain("read 3=3"); // its rows came without a trigger
  });
});

describe("gaps", () => {
  it("a trigger that was disabled for a while is noticed, and everything is read", async () => {
    await watched();
    await world.sql(
      "ALTER TABLE stock DISABLE TRIGGER ALL; UPDATE stock SET level = 500 WHERE id = 4; ALTER TABLE stock ENABLE TRIGGER ALL",
    );
    expect(await look()).toEqual({ live: true, missed: true, pending: true });
    expect(await run()).toContain("read 4=500");
    expect(await look()).toEqual({ live: true, missed: false, pending: false });
    expect(await run()).toEqual([]);
  });

  it("with a trigger gone it looks by the watermark, or at everything, and says why; installed again, it reads all once", async () => {
    await world.sql("ALTER TABLE stock ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now()");
    await watched();
    await world.sql("DROP TRIGGER plumbline_update ON stock");
    expect(await infoOf()).toMatchObject({ state: "broken" });
    expect(await look()).toMatchObject({ live: false, note: expect.stringContaining("Install it again") });
    await world.sql("UPDATE stock SET level = 44, changed_at = clock_timestamp() WHERE id = 4");
    const by = { watermark: "changed_at" };
    expect(await run(by)).toContain("read 4=44");
    expect(await run(by)).toEqual([]);
    await world.sql("UPDATE stock SET level = 45, changed_at = clock_timestamp() WHERE id = 4");
    expect(await run(by)).toEqual(["read 4=45"]);
    expect(await run()).toHaveLength(5); // without a watermark: all
    await watching.install("stock", calm());
    expect(await run(by)).toHaveLength(5);
    await world.sql("UPDATE stock SET level = 46 WHERE id = 4");
    expect(await run(by)).toEqual(["update 4=46"]);
  });

  it("writes never fail because of the recorder: without its tables, with another key", async () => {
    await watched();
    await world.sql("ALTER TABLE stock RENAME COLUMN id TO number");
    await world.sql(
      "UPDATE stock SET level = 1; DELETE FROM stock WHERE number = 5; INSERT INTO stock VALUES (9, 'S9', 9)",
    );
    await world.sql("ALTER TABLE stock RENAME COLUMN number TO id");
    expect(await look()).toMatchObject({ live: true, pending: false }); // nothing tells: see the limits in the README
    await world.sql("DROP TABLE plumbline_change");
    await world.sql("UPDATE stock SET level = 2; TRUNCATE stock; INSERT INTO stock VALUES (1, 'S1', 1)");
    expect(await look()).toMatchObject({ live: false });
    expect(await run()).toEqual(["read 1=1"]);
    await watching.install("stock", calm());
    expect(await infoOf()).toEqual({ state: "on" });
    await world.sql("ALTER TABLE stock RENAME COLUMN id TO number");
    const other = await sessionOn(world.database);
    try {
      expect(await other.watching!.look({ stream: "stock", position: after, signal: calm() })).toMatchObject({
        live: false,
        note: expect.stringContaining("key"),
      });
    } finally {
      await other.close();
    }
  });
});

describe("the log", () => {
  const keep = (readers: { id: string; position: Json; paused?: boolean }[]) =>
    watching.keep({
      stream: "stock",
      owner: "con_1",
      readers: readers.map((one) => ({ paused: false, ...one })),
      signal: calm(),
    });

  /** Goes on until the log is empty: transactions of other databases on the server may hold it up a moment. */
  const forgotten = async (id: string, others: { id: string; position: Json; paused: boolean }[] = []) =>
    await expect
      .poll(
        async () => {
          await run();
          await keep([...others, { id, position: after }]);
          await world.sql("UPDATE stock SET sku = sku WHERE id = 3"); // time passes
          await run();
          await keep([...others, { id, position: after }]);
          await keep([...others, { id, position: after }]);
          return await logged();
        },
        { timeout: 30_000, interval: 100 },
      )
      .toBe(0);

  it("keeps what the slower of two followers has not read, and forgets the rest", async () => {
    await watched();
    const slower = after;
    await world.sql("UPDATE stock SET level = 1 WHERE id = 1");
    await run();
    const readers = () => [
      { id: "a", position: after },
      { id: "b", position: slower },
    ];
    await keep(readers());
    await keep(readers());
    expect(await logged()).toBe(1);
    expect(told(await pagesOf({ after: slower }))).toEqual(["update 1=1"]);
    await forgotten("a"); // the other flow was removed
    expect(await run()).toEqual([]);
    expect(told(await pagesOf({ after: slower }))).toHaveLength(5); // what it missed is gone: it begins anew
  });

  it("keeps what open transactions wrote", async () => {
    await watched();
    await slow.query("BEGIN; UPDATE stock SET level = 8 WHERE id = 2");
    await world.sql("UPDATE stock SET level = 9 WHERE id = 3");
    expect(await run()).toEqual(["update 3=9"]);
    for (let times = 0; times < 3; times++) await keep([{ id: "a", position: after }]);
    await slow.query("COMMIT");
    expect(await run()).toEqual(["update 2=8"]);
    await forgotten("a");
  });

  it("another installation's followers count too", async () => {
    await watched();
    await watching.keep({
      stream: "stock",
      owner: "con_other",
      readers: [{ id: "x", position: after, paused: false }],
      signal: calm(),
    });
    const theirs = after;
    await world.sql("UPDATE stock SET level = 1 WHERE id = 1");
    await run();
    for (let times = 0; times < 3; times++) await keep([{ id: "a", position: after }]);
    expect(told(await pagesOf({ after: theirs }))).toEqual(["update 1=1"]);
  });

  it("who pauses for over a week is forgotten, and begins anew", async () => {
    await watched();
    const paused = { id: "p", position: after, paused: true };
    await keep([paused, { id: "a", position: after }]);
    await world.sql("UPDATE plumbline_reader SET seen_at = now() - interval '8 days' WHERE id = 'p'");
    await world.sql("UPDATE stock SET level = 1 WHERE id = 1");
    await run();
    await forgotten("a", [paused]);
    expect(told(await pagesOf({ after: paused.position }))).toHaveLength(5);
  });

  it("a recorder nobody reads stops by itself, and is installed anew when somebody does", async () => {
    await watched();
    await world.sql("UPDATE plumbline_watch SET wanted_until = now() - interval '1 minute'");
    await world.sql("UPDATE stock SET level = 1 WHERE id = 1");
    expect(await logged()).toBe(0);
    expect(await look()).toMatchObject({ live: false });
    await keep([{ id: "a", position: after }]);
    expect(await look()).toMatchObject({ live: true, pending: true });
    expect(await run()).toContain("read 1=1");
  });

  it("a database that was copied to another server begins anew", async () => {
    await watched();
    await world.sql("UPDATE plumbline_watch SET trimmed_to = '999999999999', trim_next = '999999999999'");
    after = { ...(after as JsonRecord), system: "1", from: "999999999999:999999999999:" };
    expect(await run()).toHaveLength(5);
    await keep([{ id: "a", position: after }]);
    await world.sql("UPDATE stock SET level = 1 WHERE id = 1");
    expect(await run()).toEqual(["update 1=1"]);
  });
});

describe("listening", () => {
  it("is told of a change at once, and ends with the connection", async () => {
    await watched();
    await look(); // so that it knows the stream
    const heard: (string | null)[] = [];
    const control = new AbortController();
    let ready = () => {};
    const began = new Promise<void>((done) => {
      ready = done;
    });
    const ended = watching.listen({ signal: control.signal, listening: ready }, (stream) => void heard.push(stream));
    await began;
    await world.sql("BEGIN; UPDATE stock SET level = 1; UPDATE stock SET level = 2; COMMIT");
    await world.sql("UPDATE stock SET level = 3 WHERE id = 99"); // no row
    await expect.poll(() => heard).toEqual(["stock"]);
    await world.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()",
    );
    await ended;
    const again = watching.listen({ signal: control.signal, listening() {} }, () => {});
    control.abort(new Error("enough"));
    await again;
  });
});

describe("under load", () => {
  it("writers at random, some late, some rolled back: following ends with the table's own state", async () => {
    await watching.install("stock", calm());
    const copy = new Map<number, number>();
    const follow = async () => {
      const pages = await pagesOf({ pageSize: 7 });
      after = pages.at(-1)?.position ?? after;
      for (const { records, kinds } of pages)
        for (const [at, { id, level }] of records.entries())
          if (kinds[at] === "delete") copy.delete(Number(id));
          else copy.set(Number(id), Number(level));
    };
    await follow();
    let over = false;
    const writer = async (seed: number) => {
      const own = await client();
      let state = seed;
      const random = (below: number) => {
        state = (state * 1103515245 + 12345) % 2147483648;
        return Math.floor((state / 2147483648) * below);
      };
      for (let times = 0; times < 120; times++) {
        const id = 1 + random(30);
        await own.query("BEGIN").catch(() => {});
        try {
          for (let more = random(3); more >= 0; more--) {
            const kind = random(4);
            if (kind === 0) await own.query("DELETE FROM stock WHERE id = $1", [id]);
            else if (kind === 1)
              await own.query("UPDATE stock SET level = $2 WHERE id % 5 = $1", [id % 5, random(1000)]);
            else
              await own.query(
                "INSERT INTO stock VALUES ($1, 'x', $2) ON CONFLICT (id) DO UPDATE SET level = excluded.level",
                [id, random(1000)],
              );
            if (random(3) === 0) await new Promise((done) => setTimeout(done, random(8)));
          }
          await own.query(random(5) === 0 ? "ROLLBACK" : "COMMIT");
        } catch {
          await own.query("ROLLBACK"); // a deadlock
        }
      }
    };
    const writers = Promise.all([1, 2, 3, 4, 5].map(writer)).then(() => {
      over = true;
    });
    while (!over) await follow();
    await writers;
    await follow();
    const rows = await world.sql("SELECT id, level FROM stock ORDER BY id");
    expect([...copy].map(([id, level]) => ({ id, level })).toSorted((a, b) => a.id - b.id)).toEqual(rows);
  }, 120_000);
});
