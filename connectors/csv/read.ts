/** Reads one file, or all files of the folder one after the other, as pages of records; every value stays the text it is. */
import { IntegrationError, quote } from "../sdk/errors.ts";
import type { Field, Json, JsonRecord, ReadPage, ReadRequest, StreamInfo, Unreadable } from "../sdk/types.ts";
import type { Folder, FolderFile } from "./folder.ts";
import type { Row } from "./scan.ts";
import type { CsvSettings } from "./settings.ts";
import { changed, type FileIdentity, openTable, type Place, rowsOf, type Table } from "./table.ts";

/** A place in a file; `place` null: the file is read to its end */
type Cursor = { file: string; place: Place | null; identity: FileIdentity };

/** columns that the stream over all files adds */
export const added = { file: "_file", line: "_line", modifiedAt: "_modifiedAt" };

/** A setting without a wildcard names one file, which is a stream by itself. */
export const isPattern = (pattern: string) => /[*?,]/.test(pattern);

export function fieldsOf(table: Table): Field[] {
  const { columns, samples, renamed } = table;
  return columns.map((name, index) => {
    const values = samples.map((row) => row.values[index] ?? "");
    const filled = values.filter((value) => value !== "");
    const field: Field = { name, type: "text", nullable: true };
    if (values.length > 0) field.emptyShare = (values.length - filled.length) / values.length;
    if (filled[0] !== undefined) field.sample = filled[0].slice(0, 200);
    if (renamed[name] !== undefined)
      field.title =
        renamed[name] === "" ? `Column ${index + 1} (no name in the header)` : `${renamed[name]} (column ${index + 1})`;
    return field;
  });
}

export function streamInfo(table: Table): StreamInfo {
  const { file, identity, rowLength, columns } = table;
  const info: StreamInfo = {
    name: file.name,
    title: file.name,
    fields: fieldsOf(table),
    key: [],
    watermarks: [],
    estimate: Math.round(identity.size / rowLength),
    findBy: "any",
  };
  if (columns.length === 0)
    info.problem = new IntegrationError(`File ${quote(file.name)} is empty, so its columns are not known.`, {
      kind: "settings",
      code: "file-empty",
    }).info;
  return info;
}

/** The stream over all files: the columns of all of them, and where each record comes from. */
export function allFilesInfo(name: string, tables: Table[]): StreamInfo {
  const fields = new Map<string, Field>();
  for (const table of tables)
    for (const field of fieldsOf(table)) if (!fields.has(field.name)) fields.set(field.name, field);
  const origin: Field[] = [
    { name: added.file, type: "text", title: "File", key: true },
    { name: added.line, type: "integer", title: "Line", key: true },
    { name: added.modifiedAt, type: "datetime", title: "File changed at" },
  ];
  return {
    name,
    title: `All files (${name})`,
    fields: [...fields.values(), ...origin],
    key: [added.file, added.line],
    watermarks: [added.modifiedAt],
    findBy: "any",
  };
}

export async function* readFolder(
  folder: Folder,
  settings: CsvSettings,
  request: ReadRequest,
): AsyncIterable<ReadPage> {
  const all = request.stream === settings.pattern && isPattern(settings.pattern);
  const { watermark, signal } = request;
  if (watermark && (!all || watermark.field !== added.modifiedAt))
    throw new IntegrationError(
      `Stream ${quote(request.stream)} cannot be read incrementally by ${quote(watermark.field)}. Only ${quote(settings.pattern)} can, by ${quote(added.modifiedAt)}.`,
      { kind: "settings", code: "watermark-unknown" },
    );
  const resumed = readCursor(request);
  signal.throwIfAborted();
  let files = all ? await folder.files() : [await folder.file(request.stream)];
  if (watermark)
    files = files.filter(within(watermark)).sort((a, b) => a.modifiedMs - b.modifiedMs || (a.name < b.name ? -1 : 1));
  if (resumed) {
    const at = files.findIndex((file) => file.name === resumed.file);
    if (at < 0) throw changed(resumed.file);
    files = files.slice(resumed.place === null ? at + 1 : at);
  }
  let left = request.limit ?? Number.POSITIVE_INFINITY;
  for (const [index, file] of files.entries()) {
    const from = resumed?.file === file.name ? resumed : undefined;
    const next = files[index + 1];
    for await (const page of readFile(file, settings, { ...request, limit: left }, from, all)) {
      left -= page.records.length + (page.unreadable?.length ?? 0);
      const finished = (page.cursor as unknown as Cursor).place === null;
      // Two files may carry the same moment: it is done only when the last of them is.
      if (watermark && finished && (!next || next.modifiedMs > file.modifiedMs)) page.watermark = moment(file);
      yield page;
      if (left <= 0) return;
    }
  }
}

const moment = (file: FolderFile) => new Date(file.modifiedMs).toISOString();

const within =
  ({ after, until }: NonNullable<ReadRequest["watermark"]>) =>
  (file: FolderFile) =>
    (typeof after !== "string" || file.modifiedMs > Date.parse(after)) &&
    (typeof until !== "string" || file.modifiedMs <= Date.parse(until));

function readCursor({ cursor, stream }: ReadRequest): Cursor | undefined {
  if (cursor === null) return undefined;
  const found = cursor as unknown as Partial<Cursor>;
  if (typeof found.file === "string" && found.place !== undefined && found.identity) return found as Cursor;
  throw new IntegrationError(
    `Stream ${quote(stream)}: the stored position ${quote(cursor)} is not one of this connector. Start the run anew.`,
    { kind: "settings", code: "cursor-unknown" },
  );
}

async function* readFile(
  file: FolderFile,
  settings: CsvSettings,
  request: ReadRequest & { limit: number },
  from: Cursor | undefined,
  origin: boolean,
): AsyncIterable<ReadPage> {
  const table = await openTable(file, settings);
  const { identity, columns } = table;
  if (
    from &&
    (from.identity.size !== identity.size ||
      from.identity.modifiedMs !== identity.modifiedMs ||
      from.identity.head !== identity.head)
  )
    throw changed(file.name);
  if (columns.length === 0) return;
  let { offset, line } = from?.place ?? table.start;
  let left = request.limit;
  let page: ReadPage = { records: [], cursor: null };
  let size = 0;
  const extra = origin ? { [added.file]: file.name, [added.modifiedAt]: moment(file) } : undefined;
  const done = (place: Place | null): ReadPage => {
    const full = page;
    full.cursor = { file: file.name, place, identity } satisfies Cursor as unknown as Json;
    page = { records: [], cursor: null };
    size = 0;
    return full;
  };
  // One row is held back, so that the last page of the file can say that it is the last.
  let held: Row | undefined;
  const add = (row: Row) => {
    const record = recordOf(columns, row.values);
    if (row.values.length === columns.length && !row.badQuote)
      page.records.push(extra ? { ...record, ...extra, [added.line]: row.line } : record);
    else {
      page.unreadable ??= [];
      page.unreadable.push(unreadable(table, row, record));
    }
    offset += Buffer.byteLength(row.raw);
    line = row.nextLine;
    size++;
    left--;
  };
  for await (const rows of rowsOf(table, { offset, line }, request.signal))
    for (const row of rows) {
      if (held) {
        add(held);
        held = row;
        if (size >= request.pageSize || left <= 0) {
          yield done({ offset, line });
          request.signal.throwIfAborted();
        }
        if (left <= 0) return;
      } else held = row;
    }
  if (held) add(held);
  yield done(null);
}

function recordOf(columns: string[], values: string[]): JsonRecord {
  const record: JsonRecord = {};
  for (let index = 0; index < columns.length && index < values.length; index++)
    record[columns[index]!] = values[index]!;
  return record;
}

/** The row as far as it can be told, with the raw line beside it; so it can be corrected where it is shown. */
function unreadable({ file, columns }: Table, row: Row, record: JsonRecord): Unreadable {
  const place = `${file.name}:${row.line}`;
  const raw = row.raw.replace(/^[\r\n]+|[\r\n]+$/g, "");
  const { code, message } = row.badQuote
    ? {
        code: "bad-quote",
        message: `File ${quote(file.name)}, line ${row.line}: text follows a closing quote in ${quote(raw)}. Double the quotes that are part of a value.`,
      }
    : {
        code: "column-count",
        message: `File ${quote(file.name)}, line ${row.line}: expected ${columns.length} columns as in the header, found ${row.values.length}. A value that holds the delimiter must stand in quotes.`,
      };
  const data: JsonRecord = { ...record, _raw: raw };
  if (row.values.length > columns.length) data._extra = row.values.slice(columns.length);
  return { key: place, data, failure: new IntegrationError(message, { kind: "rejected", code }).info };
}
