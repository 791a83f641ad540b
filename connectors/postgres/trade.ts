/**
 * Records that are to get each other's unique value. One after the other they are refused, in whatever order: each value is
 * still held by another of them. So their values are first set aside, within the same transaction, and then they trade.
 */
import type { Column, Table, UniqueIndex } from "./catalog.ts";
import type { ServerError } from "./errors.ts";
import { arrayParameter, name, type Place, placeOf, relation } from "./sql.ts";
import type { Transaction } from "./transaction.ts";

/** A stored row that is to change. `wanted`: what it is to hold, as texts; fields that stay as they are are missing. */
export type Trader = { row: number; rel: string; tid: string; wanted: { [field: string]: string | null } };
/** Rows each of which holds what another one of them is to get, by the index that keeps them apart. */
export type Ring = { traders: Trader[]; index: UniqueIndex; column: Column };
/** Where a row stands once its value is set aside, and the text it held. */
export type SetAside = { row: number; rel: string; tid: string; held: string | null };

const UNIQUE_VIOLATION = "23505";

export const isTaken = (cause: unknown) => (cause as ServerError).code === UNIQUE_VIOLATION;

/** What a written or restored record gave up: `before` of its ledger entry. */
type Given = { operation: string; before: { [field: string]: unknown } | null };

/** Did any of these give up a value of the index that refused a record? Only then it is worth asking again. */
export function gaveWay(table: Table, cause: unknown, entries: Iterable<Given>): boolean {
  const index = refusing(table, cause);
  for (const { operation, before } of entries) {
    if (operation === "create" || !before) continue;
    if (operation === "delete" || !index?.columns || index.columns.some((column) => column in before)) return true;
  }
  return false;
}

const refusing = (table: Table, cause: unknown) =>
  table.uniques.find((index) => index.name === (cause as ServerError).constraint);

/**
 * The column of the index whose values can be set aside, of those that are to change; undefined: there is none. Values that
 * may be absent are best, as no rule of the table speaks about what is not there.
 */
export function movable(table: Table, index: UniqueIndex, changes: (field: string) => boolean): Column | undefined {
  if (!index.columns || index.predicate !== null) return undefined;
  const columns = table.columns.filter((column) => index.columns?.includes(column.name) && changes(column.name));
  return (
    columns.find((column) => canBeAbsent(column, index)) ?? columns.find((column) => stopgap(column) !== undefined)
  );
}

const canBeAbsent = (column: Column, { nullsEqual }: UniqueIndex) => !column.notNull && !nullsEqual;

/** SQL of a value that no record holds. */
function stopgap({ type, category, mod, kind, full }: Column): string | undefined {
  if (kind !== "b") return undefined;
  if (category === "S") {
    const length = mod > 4 && (type === "varchar" || type === "bpchar") ? mod - 4 : 32;
    return `left(md5(random()::text || clock_timestamp()::text), ${length})`;
  }
  if (type === "int2") return "(-1 - floor(random() * 32000))::int2";
  if (type === "int4") return "(-1 - floor(random() * 2000000000))::int4";
  if (type === "int8") return "(-1 - floor(random() * 9000000000000000))::int8";
  if (type === "numeric") {
    const digits = mod < 4 ? 15 : Math.min(15, ((mod - 4) >> 16) - ((mod - 4) & 0xffff));
    return digits < 1 ? undefined : `(-floor(random() * ${10 ** digits}))::${full}`;
  }
  if (type === "float4" || type === "float8") return `(-random() * 1e30)::${type}`;
  if (type === "uuid") return "md5(random()::text || clock_timestamp()::text)::uuid";
  if (type === "date") return "('0001-01-01'::date + floor(random() * 300000)::int)";
  if (type === "timestamp" || type === "timestamptz")
    return `('0001-01-01'::timestamp + random() * interval '300000 days')::${type}`;
  return undefined;
}

/** The rings among rows that were refused because a value was taken; `causes` by row. */
export async function ringsAmong(
  transaction: Transaction,
  table: Table,
  traders: Trader[],
  causes: ReadonlyMap<number, unknown>,
): Promise<Ring[]> {
  const rings: Ring[] = [];
  for (const index of table.uniques) {
    const mine = traders.filter(({ row }) => refusing(table, causes.get(row)) === index);
    if (mine.length < 2 || !movable(table, index, () => true)) continue;
    for (const ring of rounds(await holdersOf(transaction, table, mine, index))) {
      const members = ring.map((at) => mine[at]!);
      const column = movable(table, index, (field) => members.every(({ wanted }) => field in wanted));
      if (column) rings.push({ traders: members, index, column });
    }
  }
  return rings;
}

/** Places, in `traders`, of the row that holds what each one is to get. */
async function holdersOf(
  transaction: Transaction,
  table: Table,
  traders: Trader[],
  { columns, nullsEqual }: UniqueIndex,
): Promise<Map<number, number>> {
  const places = table.columns.filter((column) => columns!.includes(column.name)).map(placeOf);
  const rows = traders.map((_, at) => at);
  const sent = ["oid[]", "tid[]", ...places.map((place) => place.sent), ...places.map(() => "boolean[]")].map(
    (type, at) => `$${at + 1}::${type}`,
  );
  const names = ["rel", "tid", ...places.map((_, at) => `w${at}`), ...places.map((_, at) => `f${at}`)];
  const equal = nullsEqual ? "IS NOT DISTINCT FROM" : "=";
  const same = places.map((place, at) => {
    const column = name(place.column.name);
    return `tb.${column} ${equal} CASE WHEN a.f${at} THEN a.w${at}${place.cast} ELSE ta.${column} END`;
  });
  const target = relation(table);
  const text = `WITH i AS MATERIALIZED (SELECT * FROM unnest(${sent.join(", ")}) WITH ORDINALITY u(${[...names, "n"].join(", ")}))
SELECT a.n, b.n FROM i a JOIN ${target} ta ON ta.ctid = a.tid AND ta.tableoid = a.rel
  JOIN i b ON b.n <> a.n JOIN ${target} tb ON tb.ctid = b.tid AND tb.tableoid = b.rel WHERE ${same.join(" AND ")}`;
  const values = (place: Place) =>
    arrayParameter(
      traders.map(({ wanted }) => wanted[place.column.name] ?? null),
      rows,
      place.bare,
    );
  const flags = (place: Place) =>
    `{${traders.map(({ wanted }) => (place.column.name in wanted ? "t" : "f")).join(",")}}`;
  const parameters = [...located(traders), ...places.map(values), ...places.map(flags)];
  const found = await transaction.query(text, parameters);
  return new Map(found.map(([a, b]) => [Number(a) - 1, Number(b) - 1]));
}

/** Rows of a chain that ends somewhere are left out: they need no trade, only the right order. */
function rounds(next: Map<number, number>): number[][] {
  const found: number[][] = [];
  const done = new Set<number>();
  for (const start of next.keys()) {
    const way: number[] = [];
    for (let at: number | undefined = start; at !== undefined && !done.has(at); at = next.get(at)) {
      done.add(at);
      way.push(at);
      const closes = way.indexOf(next.get(at) ?? -1);
      if (closes >= 0) found.push(way.slice(closes));
    }
  }
  return found;
}

/** Puts a value in the place of each ring's that nobody holds. */
export async function setAside(
  transaction: Transaction,
  table: Table,
  { traders, index, column }: Ring,
): Promise<SetAside[]> {
  const field = name(column.name);
  const free = canBeAbsent(column, index) ? "NULL" : stopgap(column);
  const text = `UPDATE ${relation(table)} t SET ${field} = ${free}
FROM unnest($1::oid[], $2::tid[]) WITH ORDINALITY i(rel, tid, n) JOIN ${relation(table)} o ON o.ctid = i.tid AND o.tableoid = i.rel
WHERE t.ctid = i.tid AND t.tableoid = i.rel RETURNING i.n, t.tableoid::text, t.ctid::text, o.${field}`;
  const lines = await transaction.query(text, located(traders));
  return lines.map(([n, rel, tid, held]) => ({
    row: traders[Number(n) - 1]!.row,
    rel: rel!,
    tid: tid!,
    held: held ?? null,
  }));
}

const located = (traders: Trader[]) => [
  `{${traders.map(({ rel }) => rel).join(",")}}`,
  `{${traders.map(({ tid }) => `"${tid}"`).join(",")}}`,
];
