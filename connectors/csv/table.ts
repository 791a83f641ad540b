/** One file as a table: how it is written (encoding, delimiter, line end), its columns, and its rows from any place on. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { IntegrationError, quote } from "../sdk/errors.ts";
import { type Decoder, decoderFor, type Encoding, encodingOf } from "./encoding.ts";
import type { FolderFile } from "./folder.ts";
import { type Dialect, type Row, Scanner } from "./scan.ts";
import type { CsvSettings } from "./settings.ts";

/** Tells whether a file is still the one that was opened. */
export type FileIdentity = { size: number; modifiedMs: number; head: string };
/** `offset`: bytes of the text in UTF-8, without the byte order mark; `line`: number of the line that begins there */
export type Place = { offset: number; line: number };

export type Table = {
  file: FolderFile;
  encoding: Encoding;
  dialect: Dialect;
  /** unique names; empty for an empty file */
  columns: string[];
  /** names as they stand in the header, where they had to be changed */
  renamed: { [column: string]: string };
  /** text before the first row of data: lines passed over, and the header */
  preamble: string;
  /** where the first row of data begins */
  start: Place;
  identity: FileIdentity;
  /** rows at the beginning, for samples */
  samples: Row[];
  /** characters per row, about; for estimates */
  rowLength: number;
};

const headBytes = 256 * 1024;

export async function openTable(file: FolderFile, settings: CsvSettings): Promise<Table> {
  const handle = await open(file.path, "r").catch((error: NodeJS.ErrnoException) =>
    Promise.reject(unreadable(file, error)),
  );
  try {
    const { size, mtimeMs } = await handle.stat();
    const head = await readHead(handle, Math.min(size, headBytes));
    const identity = { size, modifiedMs: Math.floor(mtimeMs), head: headPrint(head) };
    return { ...learn({ ...file, size, modifiedMs: identity.modifiedMs }, head, size, settings), identity };
  } finally {
    await handle.close();
  }
}

async function readHead(handle: FileHandle, length: number): Promise<Buffer> {
  const head = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(head, filled, length - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return head.subarray(0, filled);
}

const headPrint = (head: Buffer) =>
  createHash("sha256").update(head.subarray(0, 4096)).digest("base64url").slice(0, 22);

function unreadable(file: FolderFile, error: NodeJS.ErrnoException): IntegrationError {
  const why =
    error.code === "EACCES"
      ? "may not be read by this process; correct its rights"
      : error.code === "ENOENT"
        ? "is gone"
        : `cannot be read (${error.code})`;
  return new IntegrationError(`File ${quote(file.name)} ${why}.`, {
    kind: error.code === "EMFILE" ? "transient" : "settings",
    code: "file-unreadable",
    cause: error,
  });
}

function learn(file: FolderFile, head: Buffer, size: number, settings: CsvSettings): Omit<Table, "identity"> {
  const encoding = encodingOf(file.name, settings.encoding, head);
  const decoder = decoderFor(file.name, encoding, () => 1);
  let text = decoder.write(head.subarray(encoding.bom));
  const whole = head.length >= size;
  if (whole) text += decoder.end();
  assertNoNul(file, encoding, text);
  let line = 1;
  let skipped = 0;
  const lineBreak = /\n/.test(text) ? "\n" : "\r";
  for (; line <= settings.skipLines; line++) {
    const end = text.indexOf(lineBreak, skipped);
    if (end < 0) {
      skipped = text.length;
      break;
    }
    skipped = end + 1;
  }
  const dialect = dialectOf(file, settings, text.slice(skipped));
  const scanner = new Scanner(file.name, dialect, line);
  scanner.push(text.slice(skipped));
  if (whole) scanner.end();
  const first = scanner.next();
  const before = Buffer.byteLength(text.slice(0, skipped));
  if (!first) {
    if (!whole)
      throw new IntegrationError(
        `File ${quote(file.name)}: the first line is longer than ${headBytes / 1024} kB. Check delimiter, quotes and line ends.`,
        { kind: "settings", code: "header-too-long" },
      );
    return {
      file,
      encoding,
      dialect,
      columns: [],
      renamed: {},
      preamble: text.slice(0, skipped),
      start: { offset: before, line },
      samples: [],
      rowLength: 1,
    };
  }
  const { columns, renamed } = settings.header
    ? uniqueNames(first.values)
    : { columns: first.values.map((_, index) => `column_${index + 1}`), renamed: {} };
  const start = settings.header
    ? { offset: before + Buffer.byteLength(first.raw), line: scanner.line }
    : { offset: before, line };
  const preamble = text.slice(0, skipped) + (settings.header ? first.raw : "");
  const samples: Row[] = settings.header ? [] : [first];
  for (let row = sampled(scanner); row && samples.length < 200; row = sampled(scanner)) samples.push(row);
  const length = samples.reduce((sum, row) => sum + row.raw.length, 0);
  return {
    file,
    encoding,
    dialect,
    columns,
    renamed,
    preamble,
    start,
    samples,
    rowLength: length / Math.max(1, samples.length) || 1,
  };
}

/** The next sample; a quote that is never closed shall fail the reading, not the listing of columns. */
function sampled(scanner: Scanner): Row | undefined {
  try {
    return scanner.next();
  } catch {
    return undefined;
  }
}

/** Header names trimmed; empty ones become column_N, repeated ones get a number. */
export function uniqueNames(header: string[]): { columns: string[]; renamed: { [column: string]: string } } {
  const taken = new Set<string>();
  const renamed: { [column: string]: string } = {};
  const columns = header.map((raw, index) => {
    const base = raw.trim() || `column_${index + 1}`;
    let name = base;
    for (let number = 2; taken.has(name) || (name !== base && header.some((one) => one.trim() === name)); number++)
      name = `${base}_${number}`;
    taken.add(name);
    if (name !== raw.trim()) renamed[name] = raw.trim();
    return name;
  });
  return { columns, renamed };
}

function dialectOf(file: FolderFile, settings: CsvSettings, text: string): Dialect {
  const quoteMark = settings.quote === "none" ? null : settings.quote;
  const lineEnd = text.includes("\r\n") ? "\r\n" : text.includes("\n") ? "\n" : text.includes("\r") ? "\r" : "\n";
  const delimiter =
    settings.delimiter === "tab"
      ? "\t"
      : settings.delimiter !== "auto"
        ? settings.delimiter
        : guessDelimiter(file.name, text, quoteMark);
  return { delimiter, quote: quoteMark, lineEnd };
}

/** The delimiter that stands equally often in most of the first lines; commas in prose or decimals do not. */
function guessDelimiter(name: string, text: string, quoteMark: string | null): string {
  const plain =
    quoteMark === null
      ? text
      : text.slice(0, 65_536).replace(new RegExp(`${quoteMark}[^${quoteMark}]*${quoteMark}`, "g"), "");
  const lines = plain
    .split(/\r\n|\n|\r/)
    .filter((line) => line !== "")
    .slice(0, 50);
  let best = { delimiter: /\.(tsv|tab)$/i.test(name) ? "\t" : ",", score: 0 };
  for (const delimiter of [",", ";", "\t", "|"]) {
    const inHeader = (lines[0] ?? "").split(delimiter).length - 1;
    const alike = lines.filter((line) => line.split(delimiter).length - 1 === inHeader).length;
    const score = inHeader === 0 ? 0 : (alike / lines.length) * 100 + Math.min(inHeader, 50);
    if (score > best.score) best = { delimiter, score };
  }
  return best.delimiter;
}

function assertNoNul(file: FolderFile, { name }: Encoding, text: string): void {
  if (!text.includes("\0")) return;
  throw new IntegrationError(
    `File ${quote(file.name)} holds zero bytes, so it is no text in ${name}. If it is a table, set the encoding (often "utf-16le").`,
    { kind: "settings", code: "encoding-wrong" },
  );
}

/** Rows from `from` on, in batches of one chunk; throws when the file is changed while it is read. */
export async function* rowsOf(table: Table, from: Place, signal: AbortSignal): AsyncGenerator<Row[]> {
  const { file, encoding, dialect } = table;
  const scanner = new Scanner(file.name, dialect, from.line);
  const decoder = decoderFor(file.name, encoding, () => scanner.line);
  const seeks = /^utf-?8$/.test(encoding.name);
  let skip = seeks ? 0 : from.offset;
  const stream = createReadStream(file.path, {
    start: encoding.bom + (seeks ? from.offset : 0),
    highWaterMark: headBytes,
  });
  stream.on("error", () => {}); // it is thrown by the loop
  const take = function* (text: string): Generator<Row[]> {
    assertNoNul(file, encoding, text);
    scanner.push(text);
    const rows: Row[] = [];
    for (let row = scanner.next(); row; row = scanner.next()) rows.push(row);
    if (rows.length > 0) yield rows;
  };
  try {
    for await (const chunk of stream) {
      signal.throwIfAborted();
      const text = afterSkip(decoder, chunk as Buffer);
      if (text !== "") yield* take(text);
    }
    const last = decoder.end();
    scanner.end();
    yield* take(last);
  } finally {
    stream.destroy();
  }
  await assertUnchanged(table);

  function afterSkip({ write }: Decoder, chunk: Buffer): string {
    const text = write(chunk);
    if (skip === 0) return text;
    const bytes = Buffer.from(text);
    const passed = Math.min(skip, bytes.length);
    skip -= passed;
    return bytes.subarray(passed).toString();
  }
}

/** @throws IntegrationError "file-changed" (settings) when the file is another one than when it was opened */
export async function assertUnchanged({ file, identity }: Table): Promise<void> {
  const now = await stat(file.path).catch(() => undefined);
  if (now && now.size === identity.size && Math.floor(now.mtimeMs) === identity.modifiedMs) return;
  throw changed(file.name);
}

export const changed = (name: string) =>
  new IntegrationError(
    `File ${quote(name)} was changed while it was read, so places in it no longer hold. Run again from the start, once the file is complete.`,
    {
      kind: "settings",
      code: "file-changed",
    },
  );
