/** Ledger rows that earlier attempts left without a checkpoint, and which of them belongs to a write that comes up again. */
import { sameValue } from "../../connectors/sdk/json.ts";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { LedgerEntry, WriteRequest } from "../../connectors/sdk/writing.ts";
import type { OpenEntry } from "../ports.ts";

/** Rows that landed or may have: one for each change that was begun. */
export class OpenEntries {
  readonly #byChange = new Map<string, OpenEntry>();
  /** all that were found, by record, in the order they were entered: that in which they took effect */
  readonly #found: ReadonlyMap<string, readonly OpenEntry[]>;
  /** those that nobody has asked for yet */
  readonly #unclaimed: Map<string, OpenEntry[]>;
  /** this attempt has sent something to their records before they came up */
  readonly #outdated = new Set<OpenEntry>();

  /** @param entries in the order they were entered */
  constructor(entries: readonly OpenEntry[] = []) {
    for (const entry of entries) this.set(entry);
    this.#found = Map.groupBy(entries, ({ address, key }) => nameOf(address.step, key));
    this.#unclaimed = new Map([...this.#found].map(([record, of]) => [record, [...of]]));
  }

  get size(): number {
    return this.#byChange.size;
  }

  get(step: string, idempotencyKey: string): OpenEntry | undefined {
    return this.#byChange.get(nameOf(step, idempotencyKey));
  }

  set(entry: OpenEntry): void {
    this.#byChange.set(nameOf(entry.address.step, entry.idempotencyKey), entry);
  }

  delete(step: string, idempotencyKey: string): void {
    this.#byChange.delete(nameOf(step, idempotencyKey));
  }

  /** The row of a write that comes up again. What nobody claims is left behind. */
  claim(step: string, { key, idempotencyKey }: Pick<OpenEntry, "key" | "idempotencyKey">): OpenEntry | undefined {
    const found = this.get(step, idempotencyKey);
    const waiting = this.#unclaimed.get(nameOf(step, key));
    const at = found && waiting ? waiting.indexOf(found) : -1;
    if (at >= 0) waiting?.splice(at, 1);
    return found;
  }

  /** Those of pages up to this one that nobody has asked for. They are not given again. */
  leaveBehind(page: number): OpenEntry[] {
    const left: OpenEntry[] = [];
    for (const [record, entries] of this.#unclaimed) {
      const later = entries.filter(({ address }) => address.page > page);
      left.push(...entries.filter(({ address }) => address.page <= page));
      if (later.length > 0) this.#unclaimed.set(record, later);
      else this.#unclaimed.delete(record);
    }
    return left;
  }

  /** Something is sent to the record now: what an entry says that comes up later is no longer what is there. */
  outdate(step: string, key: string): void {
    for (const entry of this.#unclaimed.get(nameOf(step, key)) ?? []) this.#outdated.add(entry);
  }

  /**
   * Whether the record was changed again behind this entry, and not by what comes up after it: by this attempt, or by one whose
   * source had changed, for a row that comes up before.
   */
  isOutdated(entry: OpenEntry): boolean {
    if (this.#outdated.has(entry)) return true;
    const all = this.#found.get(nameOf(entry.address.step, entry.key)) ?? [];
    const at = all.indexOf(entry);
    return at >= 0 && all.slice(at + 1).some((later) => comesUpBefore(later, entry));
  }
}

/** Of two changes of one record, whether the first is of a row that comes up before that of the second. */
function comesUpBefore(one: OpenEntry, other: OpenEntry): boolean {
  const pages = one.address.page - other.address.page;
  return pages < 0 || (pages === 0 && nthInPage(one) < nthInPage(other));
}

/** Which of its record's changes in the page it is, from 1 on: `flow/step/…/key`, `flow/step/…/key#2` (write-waves.ts). */
function nthInPage({ key, idempotencyKey }: OpenEntry): number {
  const named = idempotencyKey.split("/", 3).join("/").length + 1;
  const nth = /^#(\d+)/.exec(idempotencyKey.slice(named + key.length));
  return nth ? Number(nth[1]) : 1;
}

/** The idempotency key of what is to be written to a record after a change that landed, as its source has changed since. */
export const followUp = (idempotencyKey: string): string => `${idempotencyKey}#after`;

/** One name for a step with a key of its: of a record, or of a change. */
export function nameOf(step: string, key: string): string {
  return `${step}\u0000${key}`;
}

/**
 * Whether what is wanted now may differ from what an entry has sent. An update names only the fields that differed then, so of
 * the others nothing is known.
 *
 * @param comparing the sink is asked what it holds before it is sent anything, so asking in vain does no harm
 */
export function mayDiffer(
  { operation, after }: Pick<LedgerEntry, "operation" | "after">,
  wanted: { operation: WriteRequest["operation"]; values: JsonRecord },
  comparing: boolean,
): boolean {
  if (operation === "delete" || wanted.operation === "delete") return operation !== wanted.operation;
  const names = Object.keys(wanted.values);
  const sent = after ?? {};
  if (names.some((name) => Object.hasOwn(sent, name) && !sameValue(wanted.values[name], sent[name]))) return true;
  return comparing && operation === "update" && names.some((name) => !Object.hasOwn(sent, name));
}
