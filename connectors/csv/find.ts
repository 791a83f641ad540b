/** Looks up rows by some columns: through an index of the file, kept until the file changes. */
import { keyOfFields, pickFields } from "../sdk/key-index.ts";
import type { FindRequest, JsonRecord } from "../sdk/types.ts";
import type { Folder } from "./folder.ts";
import { isPattern, readFolder } from "./read.ts";
import type { CsvSettings } from "./settings.ts";

type Index = Map<string, JsonRecord[]>;

/** A file with more rows is read anew for each call and only the rows asked for are kept, so that memory stays small. */
const MOST_ROWS = 100_000;
/** indexes kept at once */
const MOST_INDEXES = 4;

export class Lookups {
  readonly #indexes = new Map<string, { state: string; index: Index | null }>();
  readonly #folder: Folder;
  readonly #settings: CsvSettings;

  constructor(folder: Folder, settings: CsvSettings) {
    this.#folder = folder;
    this.#settings = settings;
  }

  async find({ stream, match, keys, fields, signal }: FindRequest): Promise<JsonRecord[][]> {
    const texts = keys.map((key) => keyOfFields(key, match));
    const state = await this.#state(stream);
    const name = JSON.stringify([stream, ...match]);
    const known = this.#indexes.get(name);
    let index = known?.state === state ? known.index : undefined;
    if (index === undefined) {
      index = await this.#read(stream, match, signal);
      this.#indexes.delete(name);
      for (const oldest of this.#indexes.keys()) {
        if (this.#indexes.size < MOST_INDEXES) break;
        this.#indexes.delete(oldest);
      }
      this.#indexes.set(name, { state, index });
    }
    const found = index ?? (await this.#read(stream, match, signal, new Set(texts))) ?? new Map();
    return texts.map((text) =>
      text === null ? [] : (found.get(text) ?? []).map((record: JsonRecord) => pickFields(record, fields)),
    );
  }

  /** Changes whenever a file of the stream does. */
  async #state(stream: string): Promise<string> {
    const all = stream === this.#settings.pattern && isPattern(stream);
    const files = all ? await this.#folder.files() : [await this.#folder.file(stream)];
    return files.map(({ name, size, modifiedMs }) => `${name}|${size}|${modifiedMs}`).join("\n");
  }

  /** @returns null when all rows are too many to keep; with `only` the rows of these keys */
  async #read(stream: string, match: string[], signal: AbortSignal, only?: Set<string | null>): Promise<Index | null> {
    const index: Index = new Map();
    let rows = 0;
    const request = { stream, cursor: null, pageSize: 5_000, signal };
    for await (const { records } of readFolder(this.#folder, this.#settings, request)) {
      for (const record of records) {
        const key = keyOfFields(record, match);
        if (key === null || (only && !only.has(key))) continue;
        const list = index.get(key);
        if (list) list.push(record);
        else index.set(key, [record]);
      }
      rows += records.length;
      if (!only && rows > MOST_ROWS) return null;
    }
    return index;
  }
}
