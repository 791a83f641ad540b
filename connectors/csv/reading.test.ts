import { existsSync } from "node:fs";
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "csv-parse/sync";
import iconv from "iconv-lite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ConnectorSession, JsonRecord } from "../sdk/types.ts";
import { calm, errorOf, readPages } from "../testing/sessions.ts";
import { csvConnector } from "./connector.ts";

const shared = fileURLToPath(new URL("../../../shared/data/", import.meta.url));
const hasShared = existsSync(shared);
if (!hasShared) console.warn("The shared test data is not here; tests on real files are skipped.");

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumbline-csv-"));
});
afterEach(() => rm(folder, { recursive: true }));

const open = (settings: JsonRecord = {}, dataDir?: string): Promise<ConnectorSession> =>
  csvConnector.open({
    name: "Drop folder",
    settings: csvConnector.settings.parse({ folder, ...settings }),
    credentials: {},
    allowPrivateNetwork: false,
    dataDir,
  });

async function recordsOf(session: ConnectorSession, stream: string): Promise<JsonRecord[]> {
  return (await readPages(session, { stream, pageSize: 500 })).flatMap((page) => page.records);
}

const put = (name: string, content: string | Buffer) => writeFile(join(folder, name), content);

describe.skipIf(!hasShared)("csv-spectrum", async () => {
  const cases = hasShared
    ? (await readdir(join(shared, "csv-spectrum/csvs"))).map((name) => name.replace(".csv", ""))
    : ["absent"];
  it("has its 12 cases", () => expect(cases).toHaveLength(12));
  it.each(cases)("%s", async (name) => {
    // The stored copies of the CRLF cases have lost their CR; their expected values have not, so it is put back.
    const text = await readFile(join(shared, `csv-spectrum/csvs/${name}.csv`), "utf8");
    await put(`${name}.csv`, name.endsWith("_crlf") ? text.replace(/\r?\n/g, "\r\n") : text);
    const session = await open();
    const want = JSON.parse(await readFile(join(shared, `csv-spectrum/json/${name}.json`), "utf8"));
    const got = await recordsOf(session, `${name}.csv`);
    if (name !== "location_coordinates") return expect(got).toEqual(want);
    // Its JSON is of another row (known in csv-spectrum: one object, another phone number); the hard value is the same.
    expect(got).toHaveLength(1);
    expect(got[0]!["Location Coordinates"]).toBe(want["Location Coordinates"]);
    expect(Object.keys(got[0]!)).toEqual(["Contact Phone Number", "Location Coordinates", "Cities", "Counties"]);
  });
});

describe.skipIf(!hasShared)("real files", () => {
  it.each(["dirty/hospital/dirty.csv", "dirty/hospital/clean.csv", "dirty/flights/dirty.csv", "linkage/febrl1.csv"])(
    "reads %s as csv-parse does",
    async (path) => {
      const parts = path.split("/");
      const name = parts.pop()!;
      const session = await open({ folder: join(shared, ...parts) });
      const want = parse<JsonRecord>(await readFile(join(shared, path), "utf8"), {
        columns: (header: string[]) => header.map((one) => one.trim()),
      });
      const pages = await readPages(session, { stream: name, pageSize: 300 });
      expect(pages.flatMap((page) => page.records)).toEqual(want);
      expect(pages.flatMap((page) => page.unreadable ?? [])).toEqual([]);
      const middle = pages[1]!;
      const rest = await readPages(session, {
        stream: name,
        pageSize: 1000,
        cursor: JSON.parse(JSON.stringify(middle.cursor)),
      });
      expect(rest.flatMap((page) => page.records)).toEqual(want.slice(600));
    },
  );
});

describe("encodings and delimiters", () => {
  const text = "Stück;Preis;Größe\n3;1,50 €;groß\n4;2,00 €;müßig\n5;3,00 €;für Öl\n";
  const want = [
    { Stück: "3", Preis: "1,50 €", Größe: "groß" },
    { Stück: "4", Preis: "2,00 €", Größe: "müßig" },
    { Stück: "5", Preis: "3,00 €", Größe: "für Öl" },
  ];
  it.each([
    ["utf-8", Buffer.from(text)],
    ["utf-8 with a mark", Buffer.from(`\uFEFF${text}`)],
    ["utf-16le with a mark", Buffer.from(`\uFEFF${text}`, "utf16le")],
    ["utf-16le without a mark", Buffer.from(text, "utf16le")],
    ["utf-16be with a mark", iconv.encode(`\uFEFF${text}`, "utf-16be")],
    ["windows-1252", iconv.encode(text, "windows-1252")],
  ])("finds out %s and the semicolon", async (_, bytes) => {
    await put("prices.csv", bytes);
    expect(await recordsOf(await open(), "prices.csv")).toEqual(want);
  });

  it.each([
    ["tab", "\t", "auto"],
    ["bar", "|", "auto"],
    ["comma", ",", ","],
  ])("takes a %s between columns", async (_, delimiter, setting) => {
    await put("a.csv", `id${delimiter}text\n1${delimiter}x; y\n`);
    expect(await recordsOf(await open({ delimiter: setting }), "a.csv")).toEqual([{ id: "1", text: "x; y" }]);
  });

  it("resumes in a file that is not UTF-8", async () => {
    const lines = Array.from({ length: 40 }, (_, index) => `${index};Größe ${index}`);
    await put("a.csv", iconv.encode(["id;name", ...lines].join("\r\n"), "windows-1252"));
    const session = await open({ encoding: "windows-1252" });
    for (const page of await readPages(session, { stream: "a.csv", pageSize: 7 })) {
      const rest = (await readPages(session, { stream: "a.csv", cursor: page.cursor })).flatMap((one) => one.records);
      expect(rest).toEqual(
        lines.slice(40 - rest.length).map((line) => ({ id: line.split(";")[0], name: line.split(";")[1] })),
      );
    }
  });

  it("names file, line and byte where the encoding is wrong, and what to set", async () => {
    const head = Buffer.from(`id,name\n${"1,x\n".repeat(100_000)}`);
    await put("late.csv", Buffer.concat([head, iconv.encode("2,Jürgen\n", "windows-1252")]));
    const error = await errorOf(recordsOf(await open(), "late.csv"));
    expect(error).toMatchObject({ kind: "settings", code: "encoding-wrong" });
    expect(error.message).toMatch(/"late\.csv", line 100002: byte 0xFC is not valid utf-8.*windows-1252/);
    await put("early.csv", iconv.encode("id,name\n2,Jürgen\n", "windows-1252"));
    expect((await errorOf(recordsOf(await open({ encoding: "utf-8" }), "early.csv"))).message).toMatch(
      /line 2: byte 0xFC/,
    );
  });

  it("finds the wrong line also where a character lies across two chunks", async () => {
    const filler = `${"ä".repeat(60)}\n`;
    await put("a.csv", Buffer.concat([Buffer.from(`id\n${filler.repeat(5000)}`), Buffer.from([0x31, 0xff, 0x0a])]));
    expect((await errorOf(recordsOf(await open(), "a.csv"))).message).toMatch(/line 5002: byte 0xFF/);
    await put("b.csv", `id\n${filler.repeat(5000)}`);
    expect(await recordsOf(await open(), "b.csv")).toHaveLength(5000);
  });

  it("refuses zero bytes, unknown encodings and a mark that contradicts the setting", async () => {
    await put("a.csv", "id,name\n1,a\0b\n");
    expect((await errorOf(recordsOf(await open(), "a.csv"))).message).toContain("zero bytes");
    expect(await errorOf(recordsOf(await open({ encoding: "klingon" }), "a.csv"))).toMatchObject({
      code: "encoding-unknown",
    });
    await put("b.csv", Buffer.from("\uFEFFid\n1\n", "utf16le"));
    expect(await errorOf(recordsOf(await open({ encoding: "utf-8" }), "b.csv"))).toMatchObject({
      code: "encoding-wrong",
    });
  });
});

describe("odd files", () => {
  it("makes lines with a wrong number of columns unreadable and goes on", async () => {
    await put("a.csv", 'id,name\n1,a\n2\n3,b,c,d\n4,"x"y\n\n5,e\n');
    const [page] = await readPages(await open(), { stream: "a.csv" });
    expect(page!.records).toEqual([
      { id: "1", name: "a" },
      { id: "5", name: "e" },
    ]);
    expect(page!.unreadable).toMatchObject([
      {
        key: "a.csv:3",
        data: { id: "2", _raw: "2" },
        failure: {
          kind: "rejected",
          code: "column-count",
          message: expect.stringContaining("expected 2 columns as in the header, found 1"),
        },
      },
      { key: "a.csv:4", data: { id: "3", name: "b", _extra: ["c", "d"], _raw: "3,b,c,d" } },
      { key: "a.csv:5", failure: { code: "bad-quote" } },
    ]);
  });

  it("makes names unique, gives names to those without, and notes it", async () => {
    await put("a.csv", "id, name ,name,,name_2\n1,a,b,c,d\n");
    const session = await open();
    expect(await recordsOf(session, "a.csv")).toEqual([
      { id: "1", name: "a", name_3: "b", column_4: "c", name_2: "d" },
    ]);
    const [info] = await session.streams(calm());
    expect(info!.fields.map((field) => field.title)).toEqual([
      undefined,
      undefined,
      "name (column 3)",
      "Column 4 (no name in the header)",
      undefined,
    ]);
  });

  it("reads a file without a header, and passes over lines before the table", async () => {
    await put("a.csv", "1,a\n2,b\n");
    expect(await recordsOf(await open({ header: false }), "a.csv")).toEqual([
      { column_1: "1", column_2: "a" },
      { column_1: "2", column_2: "b" },
    ]);
    await put("b.csv", 'Report "of", today\n\nid;name\n1;a\n');
    expect(await recordsOf(await open({ skipLines: 2 }), "b.csv")).toEqual([{ id: "1", name: "a" }]);
  });

  it("takes empty files and headers without rows as nothing to read, and says so", async () => {
    await put("empty.csv", "");
    await put("header.csv", "id,name\n");
    const session = await open();
    expect(await recordsOf(session, "empty.csv")).toEqual([]);
    expect(await recordsOf(session, "header.csv")).toEqual([]);
    const infos = await session.streams(calm());
    expect(infos.find((one) => one.name === "empty.csv")).toMatchObject({
      fields: [],
      problem: { code: "file-empty" },
    });
    expect(infos.find((one) => one.name === "header.csv")!.fields).toHaveLength(2);
  });

  it("notices that a file was changed between two pages", async () => {
    await put("a.csv", "id\n1\n2\n3\n4\n");
    const session = await open();
    const [first] = await readPages(session, { stream: "a.csv", pageSize: 2 }, 1);
    await appendFile(join(folder, "a.csv"), "5\n");
    const error = await errorOf(readPages(session, { stream: "a.csv", cursor: first!.cursor }));
    expect(error).toMatchObject({ kind: "settings", code: "file-changed" });
  });

  it("throws for a quote that is never closed, after the rows before it were handed on", async () => {
    await put("a.csv", 'id,name\n1,a\n2,"b\n3,c\n');
    const error = await errorOf(readPages(await open(), { stream: "a.csv", pageSize: 1 }));
    expect(error).toMatchObject({ code: "unclosed-quote" });
    expect(error.message).toContain("line 3");
  });
});

describe("the folder", () => {
  it("lets nobody out of it", async () => {
    await mkdir(join(folder, "drop"));
    await put("secret.csv", "a\n1\n");
    await put("drop/key.pem", "x\n1\n");
    await symlink(join(folder, "secret.csv"), join(folder, "drop/link.csv"));
    await put("drop/mine.csv", "a\n1\n");
    await symlink(join(folder, "drop/mine.csv"), join(folder, "drop/alias.csv"));
    const session = await open({ folder: join(folder, "drop") });
    const names = (await session.streams(calm())).map((one) => one.name);
    expect(names).toEqual(["alias.csv", "mine.csv", "*.csv"]);
    for (const name of ["../secret.csv", "..\\secret.csv", "/etc/passwd", "key.pem", ".hidden.csv", "link.csv"])
      expect(await errorOf(recordsOf(session, name))).toMatchObject({ kind: "settings" });
    const write = session.write(
      {
        sink: "link.csv",
        operation: "insert",
        match: [],
        records: [{ key: "1", values: { a: "2" }, idempotencyKey: "1" }],
        signal: calm(),
      },
      { enter: async () => {} },
    );
    expect(await errorOf(write)).toMatchObject({ code: "file-outside" });
    expect(csvConnector.settings.safeParse({ folder, pattern: "*" }).success).toBe(false);
    expect(csvConnector.settings.safeParse({ folder, pattern: "../*.csv" }).success).toBe(false);
    expect(await errorOf(open({ folder: "../x" }, folder))).toMatchObject({ code: "folder-outside" });
  });

  it("starts relative folders at the data folder, and names a folder that is missing", async () => {
    await mkdir(join(folder, "drop"));
    await put("drop/a.csv", "id\n1\n");
    expect(await recordsOf(await open({ folder: "drop" }, folder), "a.csv")).toEqual([{ id: "1" }]);
    const error = await errorOf((await open({ folder: join(folder, "gone") })).check(calm()));
    expect(error.message).toContain("does not exist");
  });

  it("reads all files as one stream, incrementally by the time they were changed", async () => {
    await put("b.csv", "id,name\n1,x\n2,y\n");
    await put("a.csv", "id,price\n3,9\n");
    await utimes(join(folder, "b.csv"), 1_700_000_000, 1_700_000_000);
    await utimes(join(folder, "a.csv"), 1_700_000_060, 1_700_000_060);
    const session = await open();
    const all = await readPages(session, { stream: "*.csv", pageSize: 1 });
    expect(all.flatMap((page) => page.records)).toEqual([
      { id: "3", price: "9", _file: "a.csv", _line: 2, _modifiedAt: "2023-11-14T22:14:20.000Z" },
      { id: "1", name: "x", _file: "b.csv", _line: 2, _modifiedAt: "2023-11-14T22:13:20.000Z" },
      { id: "2", name: "y", _file: "b.csv", _line: 3, _modifiedAt: "2023-11-14T22:13:20.000Z" },
    ]);
    for (const [index, page] of all.entries()) {
      const rest = await readPages(session, { stream: "*.csv", cursor: page.cursor });
      expect(rest.flatMap((one) => one.records)).toEqual(all.slice(index + 1).flatMap((one) => one.records));
    }
    const field = "_modifiedAt";
    const changes = await readPages(session, { stream: "*.csv", pageSize: 1, watermark: { field, after: null } });
    expect(changes.map((page) => page.watermark)).toEqual([
      undefined,
      "2023-11-14T22:13:20.000Z",
      "2023-11-14T22:14:20.000Z",
    ]);
    const later = await readPages(session, { stream: "*.csv", watermark: { field, after: changes[1]!.watermark! } });
    expect(later.flatMap((page) => page.records).map((one) => one.id)).toEqual(["3"]);
    const info = (await session.streams(calm())).find((one) => one.name === "*.csv")!;
    expect(info.fields.map((one) => one.name)).toEqual(["id", "price", "name", "_file", "_line", "_modifiedAt"]);
  });
});
