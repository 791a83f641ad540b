/**
 * Writes of an earlier attempt whose records do not come up again in their page: the source has changed since. They are settled
 * with that page, as nobody would ask for them later; should such a record turn up in a later page, it is known.
 */
import type { FailureInfo } from "../../connectors/sdk/errors.ts";
import { noStepCounts } from "./counts.ts";
import type { OpenEntries } from "./open-entries.ts";
import type { WorkedPage } from "./run-pages.ts";
import { mayHaveArrived, type WritePlace } from "./write-site.ts";

/** Record keys by write step. Part of the run's cursor. */
export type PassedKeys = { [step: string]: string[] };

/** Records that were inserted, or may have been, and counted, in a page before. Another one of them is none. */
export class Passed {
  readonly #keys: Map<string, string[]>;

  constructor(keys: PassedKeys = {}) {
    this.#keys = new Map(Object.entries(keys).map(([step, of]) => [step, [...of]]));
  }

  add(step: string, key: string): void {
    this.#keys.set(step, [...(this.#keys.get(step) ?? []), key]);
  }

  /** Whether the record was; each time it was counts for one record. */
  take(step: string, key: string): boolean {
    const keys = this.#keys.get(step) ?? [];
    const at = keys.indexOf(key);
    if (at >= 0) keys.splice(at, 1);
    return at >= 0;
  }

  get keys(): PassedKeys | undefined {
    // a copy: it is stored while the next page lands
    const held = [...this.#keys].flatMap(([step, keys]) => (keys.length > 0 ? [{ step, keys: [...keys] }] : []));
    return held.length > 0 ? Object.fromEntries(held.map(({ step, keys }) => [step, keys])) : undefined;
  }
}

type LeftPlace = Pick<WritePlace, "step" | "title" | "write">;

/** What of a page's checkpoint they add to. */
export type Books = Pick<WorkedPage, "counts" | "steps" | "letters" | "fixes">;

/**
 * Settles what was left behind up to this page: what landed counts, and what nobody can say goes to a person. A record counts
 * once, each of its writes in its step.
 *
 * @param placeOf where a step writes; undefined for a step that writes no more
 */
export function settleLeftBehind(
  open: OpenEntries,
  page: number,
  books: Books,
  passed: Passed,
  placeOf: (step: string) => LeftPlace | undefined,
): void {
  const left = open.leaveBehind(page);
  const records = Map.groupBy(left, ({ address, sourceKey, key }) => `${address.page}\u0000${sourceKey ?? key}`);
  for (const entries of records.values()) {
    const ends: ("created" | "updated" | "deleted" | "dead")[] = [];
    const writes = [...Map.groupBy(entries, ({ address, key }) => `${address.step}\u0000${key}`).values()];
    for (const changes of writes) {
      const [begun] = changes;
      const place = begun && placeOf(begun.address.step);
      if (!place) continue;
      const { step } = place;
      const inDoubt = changes.filter(({ state }) => state === "sending");
      const outcome = inDoubt.length > 0 ? "dead" : (`${begun.operation}d` as const);
      ends.push(outcome);
      for (const { address, key } of inDoubt) books.fixes.push({ ...address, key, landed: true, unknown: true });
      if (inDoubt.length > 0) {
        const { sourceKey, key, after, identity } = begun;
        const failure: FailureInfo = mayHaveArrived(place);
        const data = { ...identity, ...after };
        books.letters.push({ step, key: sourceKey ?? key, failure, data, source: data });
      }
      const counts = books.steps[step] ?? noStepCounts();
      books.steps[step] = counts;
      counts.in++;
      counts[outcome]++;
      if (place.write.operation === "insert") passed.add(step, begun.key);
    }
    const end = ends.includes("dead") ? "dead" : ends[0];
    if (end === undefined) continue;
    books.counts.read = (books.counts.read ?? 0) + 1;
    books.counts[end] = (books.counts[end] ?? 0) + 1;
  }
}
