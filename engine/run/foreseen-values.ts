/** What a dry run has foreseen in unique fields, so that a later page's record with the same value is refused as the target would. */
import type { JsonRecord, SinkInfo } from "../../connectors/sdk/types.ts";

/** Values kept per attempt; a dry run of more records foresees clashes with the first of them only. */
const MOST = 200_000;

type Held = { key: string; values: JsonRecord };

export class ForeseenValues {
  readonly #holders = new Map<string, Held>();
  readonly #ofKey = new Map<string, string[]>();

  /** Records of other keys that hold a unique value one of these would write: their key and what was written. */
  clashing(
    step: string,
    info: SinkInfo | undefined,
    records: { key: string; values: JsonRecord }[],
  ): Map<string, JsonRecord> {
    const found = new Map<string, JsonRecord>();
    if (this.#holders.size === 0) return found;
    for (const { key, values } of records) {
      for (const text of valueTexts(step, info, values)) {
        const holder = this.#holders.get(text);
        if (holder && holder.key !== key) found.set(holder.key, holder.values);
      }
    }
    return found;
  }

  /** The target would hold this record now. What it held before under this key is free again. */
  hold(step: string, info: SinkInfo | undefined, { key, values }: Held): void {
    this.free(step, key);
    if (this.#holders.size >= MOST) return;
    const texts = valueTexts(step, info, values);
    for (const text of texts) this.#holders.set(text, { key, values });
    this.#ofKey.set(`${step}\0${key}`, texts);
  }

  /** The target would no longer hold the record. */
  free(step: string, key: string): void {
    const place = `${step}\0${key}`;
    for (const text of this.#ofKey.get(place) ?? [])
      if (this.#holders.get(text)?.key === key) this.#holders.delete(text);
    this.#ofKey.delete(place);
  }
}

function valueTexts(step: string, info: SinkInfo | undefined, values: JsonRecord): string[] {
  if (!info) return [];
  const single = info.fields.filter(({ unique }) => unique).map(({ name }) => [name]);
  const sets = info.uniques?.flatMap((fields) => (fields ? [fields] : [])) ?? [...info.matchKeys, ...single];
  return sets.flatMap((fields) => {
    const held = fields.map((field) => values[field] ?? null);
    return held.includes(null) ? [] : [JSON.stringify([step, fields, held])];
  });
}
