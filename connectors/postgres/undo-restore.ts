/** The three ways to put a row back. Each gives the ledger entries of what it did. */
import type { JsonRecord } from "../sdk/types.ts";
import type { LedgerEntry, UndoRecord } from "../sdk/writing.ts";
import { readOnly, type Table } from "./catalog.ts";
import { dropped, keptRow } from "./group-job.ts";
import { keptText } from "./kept.ts";
import { unknownField, valueRefused } from "./reasons.ts";
import { Refusal } from "./refusal.ts";
import { arrayParameter, name, type Place, placeOf, relation, unnested } from "./sql.ts";
import type { Row, Transaction } from "./transaction.ts";
import type { Found } from "./undo-find.ts";
import { sameJson } from "./undo-judge.ts";

export type Restore = { table: Table; records: UndoRecord[]; found: Found[]; transaction: Transaction };

/** Where the locked rows are: parameters 1 and 2, columns `rel` and `tid` of `i`. */
const located = (found: Found[], rows: number[]) => [
  `{${rows.map((row) => found[row]!.rows[0]!.rel).join(",")}}`,
  `{${rows.map((row) => `"${found[row]!.rows[0]!.tid}"`).join(",")}}`,
];
const here = "t.ctid = i.tid AND t.tableoid = i.rel";

/** Created ones are deleted. */
export async function restoreCreated(
  { table, records, found, transaction }: Restore,
  rows: number[],
): Promise<LedgerEntry[]> {
  const text = `DELETE FROM ${relation(table)} t USING unnest($1::oid[], $2::tid[]) i(rel, tid) WHERE ${here} RETURNING 1`;
  const gone = await transaction.query(text, located(found, rows));
  if (gone.length !== rows.length) throw dropped();
  return rows.map((row) => ({
    index: row,
    operation: "delete",
    identity: records[row]!.identity,
    before: found[row]!.rows[0]!.values,
    after: null,
  }));
}

/** Updated ones get their old values. Each row has fields of its own: a flag per field says which are meant. */
export async function restoreUpdated(restore: Restore, rows: number[]): Promise<LedgerEntry[]> {
  const { table, records, found, transaction } = restore;
  const wanted = rows.map((row) => oldValues(table, records[row]!, found[row]!.rows[0]!.values));
  const places = placesOf(table, wanted);
  const own = (sent: string): Place => ({ ...places[0]!, sent, cast: "", bare: true });
  const flag = own("boolean[]");
  const order = rows.map((_, at) => at);
  const values = places.map(({ column, codec }) => wanted.map((fields) => encoded(table, column.name, codec, fields)));
  const flags = places.map(({ column }) => wanted.map((fields) => (column.name in fields ? "t" : "f")));
  const width = places.length;
  const sets = places.map(
    ({ column }, at) =>
      `${name(column.name)} = CASE WHEN i.c${2 + width + at} THEN i.c${2 + at} ELSE t.${name(column.name)} END`,
  );
  // all in one list: joining two would compare each of its rows with all of the other
  const sent = [own("oid[]"), own("tid[]"), ...places, ...places.map(() => flag)];
  const text = `WITH i AS (${unnested(sent, 1, "c")})
UPDATE ${relation(table)} t SET ${sets.join(", ")} FROM i WHERE t.ctid = i.c1 AND t.tableoid = i.c0 RETURNING i.n, ${places.map(({ column }) => `t.${name(column.name)}`).join(", ")}`;
  const parameters = [
    ...located(found, rows),
    ...values.map((column, at) => arrayParameter(column, order, places[at]!.bare)),
    ...flags.map((column) => arrayParameter(column, order, true)),
  ];
  const lines = await transaction.query(text, parameters);
  if (lines.length !== rows.length) throw dropped();
  return lines.map((line) => {
    const at = Number(line[0]) - 1;
    const row = rows[at]!;
    const stored = keptRow(places, line, 1);
    const now = found[row]!.rows[0]!.values;
    const before: JsonRecord = {};
    const after: JsonRecord = {};
    for (const field of Object.keys(wanted[at]!)) {
      before[field] = now[field] ?? null;
      after[field] = stored[field] ?? null;
    }
    return { index: row, operation: "update", identity: records[row]!.identity, before, after };
  });
}

/** The old values of a row that is to be changed, as texts by field. */
export function textsToPut({ table, records, found }: Restore, row: number): { [field: string]: string | null } {
  const wanted = oldValues(table, records[row]!, found[row]!.rows[0]!.values);
  const places = placesOf(table, [wanted]);
  return Object.fromEntries(
    places.map(({ column, codec }) => [column.name, encoded(table, column.name, codec, wanted)]),
  );
}

/** What is to be set: an update's old values; of a deleted record that is there again, those that differ. */
function oldValues(table: Table, { operation, before }: UndoRecord, now: JsonRecord): JsonRecord {
  if (operation === "update") return before ?? {};
  const fixed = new Set(table.columns.filter(readOnly).map((column) => column.name));
  const fields = Object.entries(before ?? {}).filter(
    ([field, value]) => !fixed.has(field) && !sameJson(value, now[field] ?? null),
  );
  return Object.fromEntries(fields);
}

/** Deleted ones are created again, with the keys they had; computed columns compute themselves. */
export async function restoreDeleted(restore: Restore, rows: number[]): Promise<LedgerEntry[]> {
  const { table, records, transaction } = restore;
  const entries: LedgerEntry[] = [];
  for (const group of alike(rows, (row) => Object.keys(records[row]!.before ?? {}).join("\0"))) {
    const wanted = group.map((row) => records[row]!.before ?? {});
    const computed = new Set(
      table.columns.filter((column) => column.generatedSql !== null).map((column) => column.name),
    );
    const places = placesOf(table, wanted).filter(({ column }) => !computed.has(column.name));
    const order = group.map((_, at) => at);
    const columns = places.map(({ column, codec }) =>
      wanted.map((fields) => encoded(table, column.name, codec, fields)),
    );
    const shown = table.columns.map(placeOf);
    const text = `WITH i AS (${unnested(places, 1, "c")}) INSERT INTO ${relation(table)} (${places.map(({ column }) => name(column.name)).join(", ")})
OVERRIDING SYSTEM VALUE SELECT ${places.map((_, at) => `c${at}`).join(", ")} FROM i ORDER BY n RETURNING ${shown.map(({ column }) => name(column.name)).join(", ")}`;
    const lines: Row[] = await transaction.query(
      text,
      columns.map((column, at) => arrayParameter(column, order, places[at]!.bare)),
    );
    if (lines.length !== group.length) throw dropped();
    for (const [at, line] of lines.entries())
      entries.push({
        index: group[at]!,
        operation: "create",
        identity: records[group[at]!]!.identity,
        before: null,
        after: keptRow(shown, line, 0),
      });
  }
  return entries;
}

function alike(rows: number[], shape: (row: number) => string): number[][] {
  const groups = new Map<string, number[]>();
  for (const row of rows) groups.set(shape(row), [...(groups.get(shape(row)) ?? []), row]);
  return [...groups.values()];
}

function placesOf(table: Table, wanted: JsonRecord[]): Place[] {
  const fields = new Set(wanted.flatMap((one) => Object.keys(one)));
  for (const field of fields)
    if (!table.columns.some((column) => column.name === field)) throw refusing(unknownField(table, field).message);
  return table.columns.filter((column) => fields.has(column.name)).map(placeOf);
}

function encoded(table: Table, field: string, codec: Place["codec"], fields: JsonRecord): string | null {
  const value = fields[field] ?? null;
  if (value === null) return null;
  const text = keptText(codec, value);
  if (text instanceof Refusal) throw refusing(valueRefused(table, field, text.reason).message);
  return text;
}

/** As if the server had refused it, so that halving finds the record. */
const refusing = (message: string) => Object.assign(new Error(message), { severity: "ERROR", code: "22000" });
