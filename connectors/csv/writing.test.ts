import { spawn } from "node:child_process";
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import iconv from "iconv-lite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ConnectorSession, Json, JsonRecord, Operation } from "../sdk/types.ts";
import type { LedgerEntry, UndoRecord } from "../sdk/writing.ts";
import { calm, errorOf, recordingHooks, toWrite } from "../testing/sessions.ts";
import { csvConnector } from "./connector.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumbline-csv-"));
});
afterEach(() => rm(folder, { recursive: true }));

const open = (settings: JsonRecord = {}): Promise<ConnectorSession> =>
  csvConnector.open({
    name: "Drop folder",
    settings: csvConnector.settings.parse({ folder, ...settings }),
    credentials: {},
    allowPrivateNetwork: false,
  });
const put = (content: string | Buffer) => writeFile(join(folder, "a.csv"), content);
const held = (encoding = "utf-8") =>
  readFile(join(folder, "a.csv")).then((bytes) => iconv.decode(bytes, encoding, { stripBOM: false }));

async function write(
  session: ConnectorSession,
  operation: Operation,
  values: JsonRecord[],
  match = operation === "insert" ? [] : ["id"],
) {
  const { hooks, entries } = recordingHooks();
  const outcomes = await session.write(
    { sink: "a.csv", operation, match, records: toWrite(values), signal: calm() },
    hooks,
  );
  return { outcomes, entries };
}

const ledger = (entries: LedgerEntry[]): UndoRecord[] =>
  entries.map((entry, index) => ({ ...entry, key: String(index), idempotencyKey: `u${index}` })).reverse();
const undo = (session: ConnectorSession, records: UndoRecord[], force = false) =>
  session.undo({ sink: "a.csv", records, force, preview: false, signal: calm() }, recordingHooks().hooks);

describe("files that are written", () => {
  it("leaves every character of other rows as it was", async () => {
    const before = '\uFEFFid;name\r\n1;"quoted for no reason"\r\n\r\n2;  b \r\n3;c';
    await put(before);
    const session = await open();
    const { entries } = await write(session, "upsert", [
      { id: "3", name: "x;y" },
      { id: "4", name: 'say "hi"\nthere' },
    ]);
    expect(await held()).toBe(
      '\uFEFFid;name\r\n1;"quoted for no reason"\r\n\r\n2;  b \r\n3;"x;y"\r\n4;"say ""hi""\nthere"\r\n',
    );
    await undo(session, ledger(entries));
    expect(await held()).toBe(`${before}\r\n`);
  });

  it.each(["windows-1252", "utf-16le"])("keeps the encoding %s, and refuses what it cannot hold", async (encoding) => {
    await put(iconv.encode("id,name\n1,Jürgen\n", encoding));
    const session = await open({ encoding });
    const { outcomes } = await write(session, "upsert", [
      { id: "1", name: "Jörg" },
      { id: "2", name: "🚀" },
    ]);
    const can = encoding === "utf-16le";
    expect(outcomes).toMatchObject([
      { outcome: "updated" },
      can
        ? { outcome: "created" }
        : { outcome: "failed", failure: { kind: "rejected", code: "not-in-encoding", field: "name" } },
    ]);
    expect(await held(encoding)).toBe(`id,name\n1,Jörg\n${can ? "2,🚀\n" : ""}`);
  });

  it("makes a new file with a header, and holds to that header", async () => {
    const session = await open();
    expect(await session.sinks(calm())).toMatchObject([{ name: "*.csv", open: true }]);
    await write(session, "insert", [{ id: "1", total: 9.5, paid: true, note: null, tags: ["x", "y"] }]);
    const { outcomes } = await write(session, "insert", [{ id: "2", extra: "?" }, { id: "3" }]);
    expect(outcomes).toMatchObject([
      { outcome: "failed", failure: { code: "unknown-column", field: "extra" } },
      { outcome: "created" },
    ]);
    expect(await held()).toBe('id,total,paid,note,tags\n1,9.5,true,,"[""x"",""y""]"\n3,,,,\n');
    expect(await session.sinks(calm())).toMatchObject([{ name: "a.csv", open: false }, { name: "*.csv" }]);
    expect(await readdir(folder)).toEqual(["a.csv"]);
  });

  it("takes names for new files that match the setting, in any case, and no others", async () => {
    const session = await open({ pattern: "out-*.csv, list?.TSV" });
    const [made] = await session.sinks(calm());
    const fits = (name: string) => new RegExp(made!.names!).test(name);
    const names = [
      "out-1.csv",
      "OUT-ü.CSV",
      "list1.tsv",
      "out-*.csv",
      "out.csv",
      "list?.TSV",
      "a/out-1.csv",
      ".out-1.csv",
    ];
    expect(names.filter(fits)).toEqual(["out-1.csv", "OUT-ü.CSV", "list1.tsv"]);
    for (const sink of ["out-*.csv", "../out-1.csv", "key.pem"]) {
      const request = {
        sink,
        operation: "insert" as const,
        match: [],
        records: toWrite([{ id: "1" }]),
        signal: calm(),
      };
      await expect(session.write(request, recordingHooks().hooks)).rejects.toMatchObject({ code: "stream-unknown" });
    }
    const alone = await open({ pattern: "prices.csv" });
    expect(await alone.sinks(calm())).toMatchObject([{ name: "prices.csv", open: true }]);
  });

  it("leaves formulas as the text they are", async () => {
    await put("id,name\n");
    await write(await open(), "insert", [{ id: "1", name: "=1+1" }]);
    expect(await held()).toBe("id,name\n1,=1+1\n");
  });

  it("says which rows are meant when the match finds several", async () => {
    await put("id,name\n1,a\n1,b\n");
    const { outcomes } = await write(await open(), "upsert", [{ id: "1", name: "c" }]);
    expect(outcomes).toMatchObject([
      { outcome: "failed", failure: { code: "ambiguous", message: expect.stringContaining("lines 2, 3") } },
    ]);
    expect(await errorOf(write(await open(), "upsert", [{ id: "1" }], ["number"]))).toMatchObject({
      code: "match-unknown",
    });
  });

  it("applies several changes of one row in their order, and undoes them newest first", async () => {
    await put("id,name\n1,a\n");
    const session = await open();
    const records = [
      { key: "a", values: { id: "1", name: "b" }, idempotencyKey: "a" },
      { key: "b", values: { id: "1", name: "c" }, idempotencyKey: "b" },
      { key: "c", values: { id: "2", name: "new" }, idempotencyKey: "c" },
      { key: "d", values: { id: "2", name: "newer" }, idempotencyKey: "d" },
    ];
    const { hooks, entries } = recordingHooks();
    const got = await session.write(
      { sink: "a.csv", operation: "upsert", match: ["id"], records, signal: calm() },
      hooks,
    );
    expect(got.map((one) => one.outcome)).toEqual(["updated", "updated", "created", "updated"]);
    expect(await held()).toBe("id,name\n1,c\n2,newer\n");
    expect((await undo(session, ledger(entries))).map((one) => one.outcome)).toEqual(Array(4).fill("restored"));
    expect(await held()).toBe("id,name\n1,a\n");
  });

  it("takes back rows that were only appended, also two that are alike, and shows changed ones as conflicts", async () => {
    await put("id,name\n1,a\n");
    const session = await open();
    const { entries } = await write(session, "insert", [
      { id: "2", name: "b" },
      { id: "2", name: "b" },
      { id: "3", name: "c" },
    ]);
    await put((await held()).replace("3,c", "3,changed"));
    const got = await undo(session, ledger(entries));
    expect(got.map((one) => one.outcome)).toEqual(["conflict", "restored", "restored"]);
    expect(await held()).toBe("id,name\n1,a\n3,changed\n");
  });
});

describe("after a crash", () => {
  /** Runs a write that dies in `enter`, as a killed worker does: nothing behind it happens. */
  async function dying(session: ConnectorSession, operation: Operation, values: JsonRecord[]): Promise<Json> {
    let receipt: Json = null;
    const hooks = {
      async enter(_: LedgerEntry[], given?: Json) {
        receipt = given ?? null;
        throw new Error("killed");
      },
    };
    await errorOf(
      session.write(
        {
          sink: "a.csv",
          operation,
          match: operation === "insert" ? [] : ["id"],
          records: toWrite(values),
          signal: calm(),
        },
        hooks,
      ),
    );
    return receipt;
  }

  it.each(["insert", "upsert"] as const)("tells by the receipt whether an %s landed", async (operation) => {
    const before = "id,name\n1,a\n";
    await put(before);
    const session = await open();
    const values = [
      { id: "1", name: "b" },
      { id: "2", name: "c" },
    ];
    const receipt = await dying(session, operation, values);
    expect(await held()).toBe(before);
    expect(await readdir(folder)).toEqual(["a.csv"]);
    expect(await session.settle!(receipt, calm())).toBe("absent");
    await write(session, operation, values);
    expect(await session.settle!(receipt, calm())).toBe("landed");
    await put("id,name\nsomething,else entirely\n");
    expect(await session.settle!(receipt, calm())).toBe("unknown");
  });

  it("takes half an append out again", async () => {
    await put("id,name\n1,a\n");
    const session = await open();
    const values = [{ id: "2", name: "long enough to be cut" }];
    const receipt = await dying(session, "insert", values);
    await appendFile(join(folder, "a.csv"), "2,long eno");
    expect(await session.settle!(receipt, calm())).toBe("absent");
    expect(await held()).toBe("id,name\n1,a\n");
    await write(session, "insert", values);
    await truncate(join(folder, "a.csv"), 3);
    expect(await session.settle!(receipt, calm())).toBe("unknown");
  });

  it("takes over the lock of a process that died", async () => {
    await put("id,name\n");
    await writeFile(
      join(folder, ".a.csv.lock"),
      JSON.stringify({ pid: 2 ** 22 - 1, host: (await import("node:os")).hostname(), id: "x" }),
    );
    const { outcomes } = await write(await open(), "insert", [{ id: "1" }]);
    expect(outcomes).toMatchObject([{ outcome: "created" }]);
  });

  it("does not overwrite what someone else saved while it was writing", async () => {
    await put("id,name\n1,a\n");
    const session = await open();
    const hooks = { enter: () => put("id,name\n1,by hand and longer\n") };
    const request = {
      sink: "a.csv",
      operation: "upsert" as const,
      match: ["id"],
      records: toWrite([{ id: "1", name: "b" }]),
      signal: calm(),
    };
    expect(await errorOf(session.write(request, hooks))).toMatchObject({ code: "file-changed" });
    expect(await held()).toBe("id,name\n1,by hand and longer\n");
  });
});

describe("several processes at once", () => {
  it("lose no row and spoil none", async () => {
    await put("id,name\n");
    const writer = `
      const { csvConnector } = await import(${JSON.stringify(new URL("./connector.ts", import.meta.url).href)});
      const [folder, who] = process.argv.slice(1);
      const session = await csvConnector.open({ name: "x", settings: csvConnector.settings.parse({ folder }), credentials: {}, allowPrivateNetwork: false });
      for (let page = 0; page < 15; page++) {
        const values = Array.from({ length: 20 }, (_, index) => ({ id: who + "-" + (page * 20 + index), name: "n".repeat(200) }));
        const records = values.map((one) => ({ key: one.id, values: one, idempotencyKey: one.id }));
        const operation = page % 2 ? "upsert" : "insert";
        await session.write({ sink: "a.csv", operation, match: ["id"], records, signal: new AbortController().signal }, { enter: async () => {} });
      }`;
    const run = (who: string) =>
      new Promise<number | null>((done) => {
        const child = spawn(process.execPath, ["--input-type=module", "-e", writer, folder, who], {
          cwd: fileURLToPath(new URL(".", import.meta.url)),
          stdio: ["ignore", "ignore", "inherit"],
        });
        child.on("close", done);
      });
    expect(await Promise.all([run("a"), run("b"), run("c")])).toEqual([0, 0, 0]);
    const lines = (await held()).trimEnd().split("\n").slice(1);
    expect(lines).toHaveLength(900);
    expect(new Set(lines.map((line) => line.split(",")[0])).size).toBe(900);
    expect(lines.every((line) => /^[abc]-\d+,n{200}$/.test(line))).toBe(true);
  }, 30_000);
});
