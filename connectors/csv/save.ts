/**
 * Puts changes into a file. New rows at the end are appended and synced; anything else writes a whole new file beside the
 * old one and renames it, so that readers see all or nothing. The receipt lets `settle` tell after a crash what happened.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm, stat, truncate } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import iconv from "iconv-lite";
import type { Json } from "../sdk/types.ts";
import { type TargetTable, textOf } from "./edit.ts";
import { notWritable } from "./lock.ts";
import { type Row, writtenRow } from "./scan.ts";
import { assertUnchanged, rowsOf } from "./table.ts";

type Texts = { [column: string]: string };
/** What happens to the row that begins at a line (null: it goes), and the rows to add at the end. */
export type Changes = { rows: Map<number, Texts | null>; add: Texts[] };
/** Nobody sees the changes before `commit`. */
export type Prepared = { receipt: Json; commit(): Promise<void>; discard(): Promise<void> };

type Appended = { file: string; kind: "append"; size: number; bytes: number; print: string; begin: string };
type Replaced = { file: string; kind: "replace"; before: string | null; after: string };

const marks: { [encoding: string]: number[] } = {
  "utf-8": [0xef, 0xbb, 0xbf],
  "utf-16le": [0xff, 0xfe],
  "utf-16be": [0xfe, 0xff],
};

export function prepare(table: TargetTable, changes: Changes, signal: AbortSignal): Promise<Prepared> {
  return !table.isNew && changes.rows.size === 0
    ? prepareAppend(table, changes.add)
    : prepareReplace(table, changes, signal);
}

const lineOf = ({ columns, dialect }: TargetTable, values: Texts) =>
  writtenRow(
    columns.map((name) => textOf(values[name])),
    dialect,
  );
const linesOf = (table: TargetTable, rows: Texts[]) => rows.map((row) => lineOf(table, row)).join("");

async function prepareAppend(table: TargetTable, add: Texts[]): Promise<Prepared> {
  const { file, encoding, identity, dialect } = table;
  const bytes = iconv.encode(((await endsLine(table)) ? "" : dialect.lineEnd) + linesOf(table, add), encoding.name);
  const receipt: Appended = {
    file: file.name,
    kind: "append",
    size: identity.size,
    bytes: bytes.length,
    print: printOf(bytes),
    begin: bytes.subarray(0, 64).toString("base64"),
  };
  return {
    receipt,
    discard: async () => {},
    async commit() {
      await assertUnchanged(table);
      const handle = await open(file.path, "a").catch((error: NodeJS.ErrnoException) =>
        Promise.reject(notWritable(file.path, error)),
      );
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } catch (error) {
        await handle.truncate(identity.size).catch(() => {}); // a full disk: half a row must not stay
        throw notWritable(file.path, error as NodeJS.ErrnoException);
      } finally {
        await handle.close();
      }
    },
  };
}

async function endsLine({ file, encoding, dialect, identity }: TargetTable): Promise<boolean> {
  const want = iconv.encode(dialect.lineEnd === "\r" ? "\r" : "\n", encoding.name);
  if (identity.size < want.length) return true;
  const handle = await open(file.path, "r");
  try {
    const last = Buffer.alloc(want.length);
    await handle.read(last, 0, want.length, identity.size - want.length);
    return last.equals(want);
  } finally {
    await handle.close();
  }
}

async function prepareReplace(table: TargetTable, changes: Changes, signal: AbortSignal): Promise<Prepared> {
  const { file, dialect, encoding } = table;
  const part = join(dirname(file.path), `.${basename(file.path)}.part`); // the lock makes it ours alone
  const handle = await open(part, "w", 0o644).catch((error: NodeJS.ErrnoException) =>
    Promise.reject(notWritable(file.path, error)),
  );
  const hash = createHash("sha256");
  const writeBytes = async (bytes: Buffer) => {
    hash.update(bytes);
    await writeAll(handle, bytes);
  };
  const write = (text: string) => writeBytes(iconv.encode(text, encoding.name));
  try {
    if (encoding.bom > 0) await writeBytes(Buffer.from(marks[encoding.name] ?? []));
    let last = table.preamble;
    await write(last);
    if (!table.isNew)
      for await (const rows of rowsOf(table, table.start, signal)) {
        const text = rows.map((row) => changedRow(table, row, changes)).join("");
        if (text !== "") last = text;
        await write(text);
      }
    if (changes.add.length > 0 && last !== "" && !/[\r\n]$/.test(last)) await write(dialect.lineEnd);
    for (let from = 0; from < changes.add.length; from += 1000)
      await write(linesOf(table, changes.add.slice(from, from + 1000)));
    if (!table.isNew) await handle.chmod((await stat(file.path)).mode & 0o777);
    await handle.sync();
    await handle.close();
    const before = table.isNew ? null : await printOfFile(file.path);
    const receipt: Replaced = { file: file.name, kind: "replace", before, after: hash.digest("base64url") };
    return {
      receipt,
      discard: () => rm(part, { force: true }),
      async commit() {
        if (!table.isNew) await assertUnchanged(table);
        await rename(part, file.path).catch((error: NodeJS.ErrnoException) =>
          Promise.reject(notWritable(file.path, error)),
        );
        await syncFolder(dirname(file.path));
      },
    };
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(part, { force: true });
    throw (error as NodeJS.ErrnoException).syscall === undefined
      ? error
      : notWritable(file.path, error as NodeJS.ErrnoException);
  }
}

function changedRow(table: TargetTable, row: Row, { rows }: Changes): string {
  const values = rows.get(row.line);
  if (values === undefined) return row.raw;
  const blank = /^[\r\n]*/.exec(row.raw)![0]; // blank lines before it stay
  return values === null ? blank : blank + lineOf(table, values);
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten;
}

/** A rename is only durable once the folder is; not every system can sync one. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}

const printOf = (bytes: Buffer) => createHash("sha256").update(bytes).digest("base64url");

async function printOfFile(path: string, from = 0, bytes?: number): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, {
    start: from,
    ...(bytes !== undefined && { end: from + bytes - 1 }),
  }))
    hash.update(chunk as Buffer);
  return hash.digest("base64url");
}

/** Whether the changes of a receipt are in the file; half an append (power cut) is taken out again. Call it under the lock. */
export async function settleReceipt(path: string, receipt: Json): Promise<"landed" | "absent" | "unknown"> {
  const given = receipt as unknown as Appended | Replaced;
  const size = await stat(path).then(
    (about) => about.size,
    () => undefined,
  );
  if (given.kind === "replace") {
    if (size === undefined) return given.before === null ? "absent" : "unknown";
    const now = await printOfFile(path);
    return now === given.after ? "landed" : now === given.before ? "absent" : "unknown";
  }
  if (given.kind !== "append" || size === undefined) return "unknown";
  if (size === given.size) return "absent";
  if (size >= given.size + given.bytes)
    return (await printOfFile(path, given.size, given.bytes)) === given.print ? "landed" : "unknown";
  if (size < given.size) return "unknown";
  const handle = await open(path, "r");
  const wanted = Buffer.from(given.begin, "base64").subarray(0, size - given.size);
  const there = Buffer.alloc(wanted.length);
  await handle.read(there, 0, there.length, given.size).finally(() => handle.close());
  if (!there.equals(wanted)) return "unknown";
  await truncate(path, given.size);
  return "absent";
}
