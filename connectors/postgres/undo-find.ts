/** Finds the rows that ledger rows speak of, as they are now. */
import { IntegrationError } from "../sdk/errors.ts";
import type { JsonRecord } from "../sdk/types.ts";
import type { UndoRecord } from "../sdk/writing.ts";
import type { Table } from "./catalog.ts";
import { keptRow } from "./group-job.ts";
import { UnknownField } from "./page.ts";
import { Refusal } from "./refusal.ts";
import { arrayParameter, name, type Place, placeOf, relation, unnested } from "./sql.ts";
import type { Transaction } from "./transaction.ts";

/** A stored row: where it is, and what it holds. */
export type NowRow = { rel: string; tid: string; values: JsonRecord };
/** `rows`: none, one, or several that cannot be told apart by the identity */
export type Found = { rows: NowRow[] };

/** The rows for each record, locked when `lock`. Records of equal identity (tables without a key) share out their rows. */
export async function findNow(
  connection: string,
  table: Table,
  records: UndoRecord[],
  transaction: Transaction,
  lock: boolean,
): Promise<Found[]> {
  const found: Found[] = records.map(() => ({ rows: [] }));
  const columns = table.columns.map(placeOf);
  const shown = columns.map((place) => `t.${name(place.column.name)}`).join(", ");
  for (const { places, rows, values } of identities(connection, table, records)) {
    const on = places.map((place, at) => sameValue(place, `t.${name(place.column.name)}`, `i.c${at}`)).join(" AND ");
    const parameters = places.map((place, at) => arrayParameter(values[at]!, rows, place.bare));
    const text = `WITH i AS (${unnested(places, 1, "c")}) SELECT i.n, t.tableoid::text, t.ctid::text, ${shown} FROM i JOIN ${relation(table)} t ON ${on} ORDER BY i.n, t.tableoid, t.ctid${lock ? " FOR UPDATE OF t" : ""}`;
    for (const [n, rel, tid, ...texts] of await transaction.query(text, parameters))
      found[rows[Number(n) - 1]!]!.rows.push({ rel: rel!, tid: tid!, values: keptRow(columns, texts, 0) });
  }
  return shareOut(found);
}

const sameValue = ({ column }: Place, left: string, right: string) => {
  if (!column.comparable) return `${left}::text IS NOT DISTINCT FROM ${right}::text`;
  return column.notNull ? `${left} = ${right}` : `(${left} = ${right} OR (${left} IS NULL AND ${right} IS NULL))`;
};

type Identities = { places: Place[]; rows: number[]; values: (string | null)[][] };

function identities(connection: string, table: Table, records: UndoRecord[]): Identities[] {
  const groups = new Map<string, Identities>();
  for (const [row, { identity }] of records.entries()) {
    const fields = Object.keys(identity);
    const key = fields.join("\0");
    let group = groups.get(key);
    if (!group) {
      const places = fields.map((field) =>
        placeOf(table.columns.find((one) => one.name === field) ?? gone(connection, table, field)),
      );
      group = { places, rows: [], values: places.map(() => []) };
      groups.set(key, group);
    }
    const texts = group.places.map(({ column, codec }) => {
      const value = identity[column.name] ?? null;
      return value === null ? null : codec.encode(value);
    });
    // A value the column can no longer hold (its type changed) cannot be there either.
    if (texts.some((text) => text instanceof Refusal)) continue;
    for (const [at, text] of texts.entries()) group.values[at]![row] = text as string | null;
    group.rows.push(row);
  }
  return [...groups.values()].filter((group) => group.rows.length > 0);
}

function gone(connection: string, table: Table, field: string): never {
  throw new UnknownField(
    new IntegrationError(
      `“${connection}”: ${table.table} no longer has the field “${field}”, by which the records to put back are found. Bring it back, or restore them by hand.`,
      { kind: "settings", code: "field-missing", field },
    ),
  );
}

/** Several rows that are the same in every field are one per record; otherwise they stay several. */
function shareOut(found: Found[]): Found[] {
  const used = new Set<string>();
  return found.map(({ rows }) => {
    if (rows.length <= 1) return { rows };
    const free = rows.filter((row) => !used.has(`${row.rel}/${row.tid}`));
    const [first] = free;
    const alike = first && free.every((row) => JSON.stringify(row.values) === JSON.stringify(first.values));
    if (first && alike) used.add(`${first.rel}/${first.tid}`);
    return { rows: first && alike ? [first] : free };
  });
}
