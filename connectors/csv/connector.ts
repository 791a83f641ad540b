/** CSV files in a folder of this machine: each file is a stream and a sink, and all files together are a stream. */
import { defineConnector } from "../sdk/define-connector.ts";
import { failureOf, IntegrationError } from "../sdk/errors.ts";
import type { ConnectorSession, SinkInfo, StreamInfo } from "../sdk/types.ts";
import { Lookups } from "./find.ts";
import { Folder, type FolderFile } from "./folder.ts";
import { withLock } from "./lock.ts";
import { allFilesInfo, fieldsOf, isPattern, readFolder, streamInfo } from "./read.ts";
import { settleReceipt } from "./save.ts";
import { type CsvSettings, csvCredentials, csvSettings } from "./settings.ts";
import { openTable, type Table } from "./table.ts";
import { undoRows } from "./undo.ts";
import { foreseeRows, writeRows } from "./write.ts";

export const csvConnector = defineConnector<CsvSettings, Record<string, never>>({
  id: "csv",
  title: "CSV files",
  summary:
    "Files with rows and columns in a folder: any encoding and delimiter, read and written; a drop folder for lists from elsewhere.",
  mark: { letters: "CS", tint: "green" },
  settings: csvSettings,
  credentials: csvCredentials,
  open: async ({ name, settings, dataDir }) => openSession(settings, new Folder(name, settings, dataDir)),
});

function openSession(settings: CsvSettings, folder: Folder): ConnectorSession {
  const place = { folder, settings };
  const lookups = new Lookups(folder, settings);
  return {
    async check() {
      const files = await folder.files();
      return {
        message:
          files.length === 0
            ? `The folder is there and holds no files named ${settings.pattern} yet.`
            : `The folder holds ${files.length === 1 ? "one file" : `${files.length} files`} named ${settings.pattern}.`,
      };
    },
    async streams(signal) {
      const files = await folder.files();
      const infos: StreamInfo[] = [];
      const tables: Table[] = [];
      for (const file of files) {
        signal.throwIfAborted();
        const table = await tableOrProblem(file, settings);
        if ("problem" in table) infos.push(table);
        else {
          infos.push(streamInfo(table));
          tables.push(table);
        }
      }
      return isPattern(settings.pattern) ? [...infos, allFilesInfo(settings.pattern, tables)] : infos;
    },
    async sinks(signal) {
      const files = await folder.files();
      const infos: SinkInfo[] = [];
      for (const file of files) {
        signal.throwIfAborted();
        const table = await tableOrProblem(file, settings);
        if (!("problem" in table)) infos.push(sinkInfo(file.name, table));
      }
      const { pattern } = settings;
      if (isPattern(pattern)) infos.push({ ...sinkInfo(pattern), title: "New file", names: folder.names });
      else if (files.length === 0) infos.push(sinkInfo(pattern));
      return infos;
    },
    read: (request) => readFolder(folder, settings, request),
    find: (request) => lookups.find(request),
    write: (request, hooks) => writeRows(place, request, hooks),
    foresee: (request) => foreseeRows(place, request),
    undo: (request, hooks) => undoRows(place, request, hooks),
    async settle(receipt, signal) {
      const name = (receipt as { file?: unknown } | null)?.file;
      if (typeof name !== "string") return "unknown";
      const path = folder.pathFor(name);
      return withLock(path, signal, () => settleReceipt(path, receipt));
    },
    close: async () => {},
  };
}

async function tableOrProblem(
  file: FolderFile,
  settings: CsvSettings,
): Promise<Table | (StreamInfo & { problem: object })> {
  try {
    return await openTable(file, settings);
  } catch (error) {
    if (!(error instanceof IntegrationError)) throw error;
    // One file in a wrong encoding must not hide the others.
    return { name: file.name, title: file.name, fields: [], key: [], watermarks: [], problem: failureOf(error) };
  }
}

/** @param table undefined: the file does not exist yet, and its first page names its columns */
function sinkInfo(name: string, table?: Table): SinkInfo {
  const known = table !== undefined && table.columns.length > 0;
  return {
    name,
    title: known ? name : `${name} (new)`,
    fields: known ? fieldsOf(table) : [],
    open: !known,
    matchKeys: [],
    operations: ["insert", "update", "upsert", "delete"],
    batchSize: 5_000,
    readBack: true,
    undo: "full",
    undoNote: "Rows that were removed are added again at the end of the file.",
    idempotencyKeys: false,
    effect: "once",
  };
}
