/** Which rows a delete could not take away, because rows of other tables refer to them. */
import type pg from "pg";
import type { FailureInfo } from "../sdk/errors.ts";
import type { ForeignKey, Table } from "./catalog.ts";
import { stillReferredTo } from "./reasons.ts";
import { arrayParameter, name, placeOf, relation, unnested } from "./sql.ts";
import { type Row, rawQuery } from "./transaction.ts";

/** Foreign keys of other tables that refuse the delete (no action, restrict). Source: PostgreSQL manual, “pg_constraint”. */
const referrersSql = `
SELECT k.conname, n.nspname, c.relname,
  (SELECT json_agg(a.attname ORDER BY x.n) FROM unnest(k.conkey) WITH ORDINALITY x(attnum, n)
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.attnum)::text,
  (SELECT json_agg(a.attname ORDER BY x.n) FROM unnest(k.confkey) WITH ORDINALITY x(attnum, n)
    JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = x.attnum)::text
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.confrelid = $1::oid AND k.conrelid <> k.confrelid AND k.conparentid = 0 AND k.confdeltype IN ('a', 'r')`;

/**
 * The reason for each stored row that is still referred to. Rows of the same table are left out (they may be deleted
 * together), and so are tables that the user may not read: the server will judge then.
 *
 * @param rows texts of all columns by the record's number
 */
export async function stillReferred(
  client: pg.Client,
  table: Table,
  rows: Map<number, Row>,
): Promise<Map<number, FailureInfo>> {
  const refused = new Map<number, FailureInfo>();
  if (rows.size === 0) return refused;
  const numbers = [...rows.keys()];
  const texts = [...rows.values()];
  for (const [constraint, schema, other, own, refers] of await rawQuery(client, referrersSql, [table.oid])) {
    const key: ForeignKey = {
      name: constraint!,
      schema: schema!,
      table: other!,
      columns: JSON.parse(own!),
      refers: JSON.parse(refers!),
    };
    const at = key.refers.map((field) => table.columns.findIndex((column) => column.name === field));
    const places = at.map((index) => placeOf(table.columns[index]!));
    const parameters = places.map((place, index) =>
      arrayParameter(
        texts.map((row) => row[at[index]!]!),
        numbers.map((_, row) => row),
        place.bare,
      ),
    );
    const same = key.columns.map((column, index) => `f.${name(column)} = i.c${index}`).join(" AND ");
    const text = `SELECT i.n FROM (${unnested(places, 1, "c")}) i WHERE EXISTS (SELECT FROM ${relation(key)} f WHERE ${same})`;
    for (const [n] of await readable(client, text, parameters)) {
      const row = numbers[Number(n) - 1]!;
      if (!refused.has(row)) refused.set(row, stillReferredTo(table, key.table, key.name));
    }
  }
  return refused;
}

async function readable(client: pg.Client, text: string, parameters: string[]): Promise<Row[]> {
  await client.query("SAVEPOINT referrer");
  try {
    return await rawQuery(client, text, parameters);
  } catch (error) {
    if ((error as { code?: string }).code !== "42501") throw error;
    await client.query("ROLLBACK TO referrer");
    return [];
  }
}
