/**
 * Watermarks with ties. Several records may share the newest watermark, and one of them may turn up only after it was
 * stored: a date, a second, a bulk load, a run that was limited. So a stored mark also says which of the records with
 * this very value were read; the next run looks at the value again and passes over those.
 */
import { createHash } from "node:crypto";
import type { Json } from "./types.ts";

/** What a page's `watermark` holds. With many ties only their number is kept. */
type Mark = { at: Json; seen: string[] } | { at: Json; ties: number };

/** So many ties are known one by one. */
const MOST = 1_000;

const printOf = (record: unknown) =>
  createHash("sha256").update(JSON.stringify(record)).digest("base64url").slice(0, 16);

/** The position in `after`: where it is, and what is known of the records right there. A plain value knows nothing. */
export function readMark(after: Json): { at: Json; seen?: ReadonlySet<string>; ties?: number } {
  if (after === null || typeof after !== "object" || Array.isArray(after) || !("at" in after)) return { at: after };
  const { at, seen, ties } = after as { at: Json; seen?: string[]; ties?: number };
  return {
    at,
    ...(Array.isArray(seen) ? { seen: new Set(seen) } : {}),
    ...(typeof ties === "number" ? { ties } : {}),
  };
}

/** Follows a read from oldest to newest and knows the mark behind its last record. */
export class Ties {
  #at: Json;
  readonly #before: Set<string>;
  #records: unknown[] = [];
  #count: number;
  readonly #start: Json;

  /** @param again the ties of a mark that only counted them are read again */
  constructor(after: Json, again: boolean) {
    const mark = readMark(after);
    this.#start = mark.at;
    this.#at = mark.at;
    this.#before = new Set(mark.seen);
    this.#count = mark.seen?.size ?? (again ? 0 : (mark.ties ?? 0));
  }

  /** Whether an earlier run read this very record, unchanged. */
  known(value: Json, record: unknown): boolean {
    return this.#before.size > 0 && value === this.#start && this.#before.has(printOf(record));
  }

  add(value: Json, record: unknown): void {
    if (value !== this.#at) {
      this.#at = value;
      this.#records = [];
      this.#before.clear();
      this.#count = 0;
    }
    this.#count++;
    if (this.#count <= MOST) this.#records.push(record);
    else this.#records = [];
  }

  /** The mark behind what was added; null before anything was. */
  get mark(): Json {
    if (this.#at === null) return null;
    const mark: Mark =
      this.#count > MOST
        ? { at: this.#at, ties: this.#count }
        : { at: this.#at, seen: [...this.#before, ...this.#records.map(printOf)] };
    return mark;
  }
}
