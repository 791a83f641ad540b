/**
 * Rows that were committed late: their watermark is older than the newest one read, because their transaction was still
 * open then (docs/decisions/0005). The mark of a read names the oldest transaction that was open; a row written by that one
 * or a later one, with a watermark within the window, was either read already (then its print is in the mark) or is late.
 */
import { createHash } from "node:crypto";
import type pg from "pg";
import type { Json } from "../sdk/types.ts";
import type { Column, Table } from "./catalog.ts";

/** Numbers of transactions, 64 bits as decimal text: `from` the oldest still open, `seen` rows read that are not older. */
export type OpenMark = { from: string; seen: { [print: string]: string } };

/** So many rows of open or later transactions are known one by one. */
export const MOST_SEEN = 2_000;

/** How far back late rows are looked for, as SQL after the newest watermark; undefined where there is no such distance. */
export function windowOf(column: Column): string | undefined {
  switch (column.type) {
    case "timestamptz":
    case "timestamp":
      return "- interval '1 hour'";
    case "date":
      return "- 2";
    case "int2":
    case "int4":
    case "int8":
      return "- 10000";
    default:
      return undefined;
  }
}

/** Only rows of tables say which transaction wrote them. */
export const tellsWriter = (table: Table) => table.kind === "r" || table.kind === "p";

export const openMarkOf = (mark: Json | undefined): OpenMark | undefined => {
  if (mark === null || typeof mark !== "object" || Array.isArray(mark)) return undefined;
  const { open } = mark as { open?: OpenMark };
  return typeof open?.from === "string" ? open : undefined;
};

/** SQL of the full number of the transaction that wrote a row, of which the row holds 32 bits. */
export const writerSql = (current: string) => `(${current} - ((${current} - t.xmin::text::bigint) & 4294967295))`;

export type Snapshot = { from: bigint; current: bigint };

/** Which transactions are open in this transaction's snapshot. */
export async function snapshotOf(client: pg.Client): Promise<Snapshot> {
  const { rows } = await client.query<{ from: string; current: string }>(
    `SELECT txid_snapshot_xmin(s)::text AS from, txid_snapshot_xmax(s)::text AS current FROM txid_current_snapshot() s`,
  );
  return { from: BigInt(rows[0]!.from), current: BigInt(rows[0]!.current) };
}

/** Follows which rows were read that transactions open at the start of the run, or later ones, have written. */
export class OpenRows {
  /** oldest transaction open in the run's first snapshot, and in that of the run before */
  readonly #from: bigint;
  readonly #before: bigint;
  readonly #current: bigint;
  readonly #seen: Map<string, bigint>;
  readonly #known: ReadonlySet<string>;

  /**
   * @param before what the run before knew (its mark)
   * @param sameRun what this run knew when it was interrupted (its cursor)
   */
  constructor({ from, current }: Snapshot, before: OpenMark | undefined, sameRun: OpenMark | undefined) {
    this.#from = sameRun ? BigInt(sameRun.from) : from;
    this.#before = before ? BigInt(before.from) : this.#from;
    this.#current = current;
    const entries = Object.entries({ ...before?.seen, ...sameRun?.seen });
    this.#known = new Set(entries.map(([print]) => print));
    this.#seen = new Map(entries.map(([print, writer]) => [print, BigInt(writer)]));
  }

  /** Whether an earlier read gave this very row, unchanged. */
  known(record: unknown): boolean {
    return this.#known.size > 0 && this.#known.has(printOf(record));
  }

  add(record: unknown, xmin: string): void {
    const writer = this.#current - ((this.#current - BigInt(xmin)) & 0xffff_ffffn);
    if (writer < this.#from && writer < this.#before) return;
    this.#seen.set(printOf(record), writer);
    if (this.#seen.size <= MOST_SEEN) return;
    const oldest = this.#seen.keys().next().value;
    if (oldest !== undefined) this.#seen.delete(oldest);
  }

  /** For the next run, once the late rows are through: nothing older than what was open in this one can come late. */
  get mark(): OpenMark {
    return this.#markFrom(this.#from, this.#from);
  }

  /** For the next run, should this one end before all late rows are read: it looks for the rest of them. */
  get lateMark(): OpenMark {
    return this.#markFrom(this.#before, 0n);
  }

  /** For the next attempt at this run. */
  get soFar(): OpenMark {
    return this.#markFrom(this.#from, 0n);
  }

  #markFrom(from: bigint, oldest: bigint): OpenMark {
    const seen: OpenMark["seen"] = {};
    for (const [print, writer] of this.#seen) if (writer >= oldest) seen[print] = writer.toString();
    return { from: from.toString(), seen };
  }
}

const printOf = (record: unknown) =>
  createHash("sha256").update(JSON.stringify(record)).digest("base64url").slice(0, 16);
