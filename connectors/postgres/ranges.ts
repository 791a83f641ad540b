/** Divides a table into ranges of its key, so that several workers read it at once. */
import type { Json, RangesRequest } from "../sdk/types.ts";
import type { Table } from "./catalog.ts";
import type { Clients } from "./client.ts";
import { callFailure, serverTrouble, shapeChanged } from "./errors.ts";
import { type KeyRange, leadingSort } from "./order.ts";
import { relation } from "./sql.ts";
import { rawQuery, ShapeChanged } from "./transaction.ts";

/** So many rows say well enough where a range ends; more of a small table are cheap to sort, too. */
const SAMPLE = 50_000;

/** Tables that were far too small a moment ago are not asked about again: flows may run every second. */
const SMALL_FOR_MS = 10_000;
const small = new WeakMap<Table, { rows: number; until: number }>();

/**
 * Ranges of about equal size, by the first column of the key the table is read in the order of. Its rows are counted as the
 * planner does, and where the ranges end is told from a sample of its blocks: neither reads a large table whole. Rows with
 * one value there stay together, so a table may get fewer ranges than asked for.
 */
export async function keyRanges(
  clients: Clients,
  table: Table,
  { size, most, least, signal }: RangesRequest,
): Promise<Json[] | null> {
  const by = leadingSort(table);
  if (!by || table.kind === "v" || table.kind === "f") return null;
  const known = small.get(table);
  if (known && known.until > Date.now() && known.rows < least / 2) return null;
  signal.throwIfAborted();
  return clients.use(async (client) => {
    try {
      const [plan] = await rawQuery(client, `EXPLAIN (FORMAT JSON) SELECT 1 FROM ${relation(table)}`, []);
      const rows = estimateOf(plan?.[0] ?? "[]");
      small.set(table, { rows, until: Date.now() + SMALL_FOR_MS });
      const count = Math.min(most, Math.ceil(rows / size));
      if (rows < least || count < 2) return null;
      const percent = Math.min(100, (100 * SAMPLE) / rows);
      const sample = percent === 100 ? "" : `TABLESAMPLE SYSTEM (${percent})`;
      const shares = Array.from({ length: count - 1 }, (_, at) => (at + 1) / count);
      const bounds = await rawQuery(
        client,
        `SELECT bound::text FROM (SELECT DISTINCT unnest(percentile_disc($1::float8[]) WITHIN GROUP (ORDER BY ${by.sql})) AS bound
           FROM ${relation(table)} t ${sample}) AS bounds WHERE bound IS NOT NULL ORDER BY bounds.bound`,
        [shares],
      );
      const ends = bounds.map(([bound]) => bound!);
      if (ends.length === 0) return null;
      return [null, ...ends].map((from, at): KeyRange => ({ by: by.sql, from, to: ends[at] ?? null }));
    } catch (error) {
      if (shapeChanged(error)) throw new ShapeChanged(error);
      throw callFailure(clients.access, error, table.table) ?? serverTrouble(clients.access, error, table.table);
    }
  });
}

function estimateOf(plan: string): number {
  const [top] = JSON.parse(plan) as { Plan?: { "Plan Rows"?: number } }[];
  return top?.Plan?.["Plan Rows"] ?? 0;
}
