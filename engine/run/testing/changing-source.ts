/** A source that goes on changing while a run reads it, for the models of the protocol. */
import type { ConnectorSession, Json, JsonRecord, ReadPage } from "../../../connectors/sdk/types.ts";

type Row = { id: string; bad: boolean; version: number; changed: number };
type Place = { changed: number; id: string };
/** The mark of an incremental read: each version of a row that was read. A real connector knows it by less (decision 0005). */
type Mark = { seen: string[] };

const nameOf = ({ id, version }: Row) => `${id}@${version}`;
const isBeyond = ({ changed, id }: Place, place: Place | null) =>
  place === null || changed > place.changed || (changed === place.changed && id > place.id);
const before = (a: Place, b: Place) => a.changed - b.changed || (a.id < b.id ? -1 : 1);

export class ChangingSource {
  readonly rows = new Map<string, Row>();
  #clock = 100;
  /** each version that ever was, by row */
  readonly versions = new Map<string, number>();

  /** @param late it was changed a while ago, and is committed only now */
  put(id: string, { bad = false, late = false } = {}): void {
    const version = (this.versions.get(id) ?? 0) + 1;
    this.versions.set(id, version);
    const known = this.rows.get(id);
    this.rows.set(id, { id, bad: known?.bad ?? bad, version, changed: ++this.#clock - (late ? 50 : 0) });
  }

  /** Reads one snapshot: in the order of the key, or by the watermark what is not in the mark, oldest first. */
  readonly read: ConnectorSession["read"] = ({ cursor, pageSize, watermark, range }) =>
    watermark ? this.#newer(cursor, pageSize, watermark.after) : this.#all(cursor, pageSize, range);

  /** @param range keys from … up to, exclusive; null: no end */
  async *#all(cursor: Json, pageSize: number, range: Json = [null, null]): AsyncGenerator<ReadPage> {
    const from = cursor as string | null;
    const [begin, end] = range as [string | null, string | null];
    const inRange = (id: string) => (begin === null || id >= begin) && (end === null || id < end);
    const rows = [...this.rows.values()].filter(({ id }) => inRange(id) && (from === null || id > from));
    rows.sort((a, b) => (a.id < b.id ? -1 : 1));
    for (let at = 0; at < rows.length; at += pageSize) {
      await Promise.resolve();
      const page = rows.slice(at, at + pageSize);
      yield { records: page.map((row): JsonRecord => ({ ...row })), cursor: (page.at(-1) as Row).id };
    }
  }

  async *#newer(cursor: Json, pageSize: number, after: Json): AsyncGenerator<ReadPage> {
    const begun = cursor as (Place & Mark) | null;
    const seen = new Set([...((after as Mark | null)?.seen ?? []), ...(begun?.seen ?? [])]);
    const rows = [...this.rows.values()].filter((row) => !seen.has(nameOf(row)) && isBeyond(row, begun));
    rows.sort(before);
    for (let at = 0; at < rows.length; at += pageSize) {
      await Promise.resolve();
      const page = rows.slice(at, at + pageSize);
      for (const row of page) seen.add(nameOf(row));
      const { changed, id } = page.at(-1) as Row;
      const mark: Mark = { seen: [...seen] };
      yield {
        records: page.map((row): JsonRecord => ({ ...row })),
        cursor: { changed, id, ...mark },
        watermark: mark,
      };
    }
  }

  /** Where an incremental read stands behind all that is there. */
  get mark(): Json {
    return { seen: [...this.rows.values()].map(nameOf) };
  }
}
