/** The table to write to, and rows in it found by the values of some columns. */
import { stat } from "node:fs/promises";
import type { Json, JsonRecord } from "../sdk/types.ts";
import type { Folder } from "./folder.ts";
import { type Dialect, writtenRow } from "./scan.ts";
import type { CsvSettings } from "./settings.ts";
import { openTable, rowsOf, type Table } from "./table.ts";

/** How a value stands in a file: text as it is, nothing for null, nested data as JSON. */
export function textOf(value: Json | undefined): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : typeof value === "object" ? JSON.stringify(value) : String(value);
}

export type TargetTable = Table & { isNew: boolean };

/** The table to write to; one with these columns when the file is new or empty. */
export async function tableFor(
  folder: Folder,
  settings: CsvSettings,
  name: string,
  columns: string[],
): Promise<TargetTable> {
  const path = folder.pathFor(name);
  const exists = await stat(path).then(
    (about) => about.size > 0,
    () => false,
  );
  if (exists) {
    const table = await openTable(await folder.file(name), settings);
    if (table.columns.length > 0) return { ...table, isNew: false };
  }
  await folder.files(); // names what is wrong with the folder
  if (
    await stat(path).then(
      () => true,
      () => false,
    )
  )
    await folder.file(name); // an empty file may still be a link out of the folder
  const { encoding, quote: mark } = settings;
  const auto = /\.(tsv|tab)$/i.test(name) ? "\t" : ",";
  const delimiter = settings.delimiter === "tab" ? "\t" : settings.delimiter === "auto" ? auto : settings.delimiter;
  const dialect: Dialect = { delimiter, quote: mark === "none" ? null : mark, lineEnd: "\n" };
  return {
    isNew: true,
    file: { name, path, size: 0, modifiedMs: 0 },
    encoding: { name: encoding === "auto" ? "utf-8" : encoding, bom: 0, from: "set" },
    dialect,
    columns,
    renamed: {},
    preamble: settings.header ? writtenRow(columns, dialect) : "",
    start: { offset: 0, line: 1 },
    identity: { size: 0, modifiedMs: 0, head: "" },
    samples: [],
    rowLength: 1,
  };
}

export type FoundRow = { values: { [column: string]: string }; line: number };

/** Looks for rows by the values of some columns; reads the file once. Rows with a wrong number of columns are not looked at. */
export class Finder {
  readonly #groups = new Map<string, { names: string[]; rows: Map<string, FoundRow[]> }>();

  #group(names: string[]) {
    const id = JSON.stringify(names);
    const group = this.#groups.get(id) ?? { names, rows: new Map<string, FoundRow[]>() };
    this.#groups.set(id, group);
    return group;
  }

  want(values: JsonRecord, names: string[]): void {
    this.#group(names).rows.set(rowKey(names, values), []);
  }

  found(values: JsonRecord, names: string[]): FoundRow[] {
    return this.#group(names).rows.get(rowKey(names, values)) ?? [];
  }

  async run(table: TargetTable, signal: AbortSignal): Promise<void> {
    const groups = [...this.#groups.values()].map(({ names, rows }) => ({
      rows,
      places: names.map((name) => table.columns.indexOf(name)),
    }));
    const usable = groups.filter(({ places }) => places.length > 0 && !places.includes(-1));
    if (table.isNew || usable.length === 0) return;
    for await (const batch of rowsOf(table, table.start, signal))
      for (const { values, line, badQuote } of batch) {
        if (values.length !== table.columns.length || badQuote) continue;
        for (const { rows, places } of usable) {
          const found = rows.get(JSON.stringify(places.map((place) => values[place])));
          found?.push({ values: Object.fromEntries(table.columns.map((name, index) => [name, values[index]!])), line });
        }
      }
  }
}

export const rowKey = (names: string[], values: JsonRecord) =>
  JSON.stringify(names.map((name) => textOf(values[name])));
