/** Looks up rows by the values of some columns: one statement for a whole page of keys. */
import { IntegrationError } from "../sdk/errors.ts";
import type { FindRequest, JsonRecord } from "../sdk/types.ts";
import type { Column, Table } from "./catalog.ts";
import type { Clients } from "./client.ts";
import { callFailure, serverTrouble, shapeChanged } from "./errors.ts";
import { decodeRow } from "./group-job.ts";
import { Refusal } from "./refusal.ts";
import { arrayParameter, name, type Place, placeOf, relation, unnested } from "./sql.ts";
import { rawQuery, ShapeChanged } from "./transaction.ts";

/** A key whose value the column could never hold (text for an integer) finds nothing. */
export async function findRows(clients: Clients, table: Table, request: FindRequest): Promise<JsonRecord[][]> {
  const { keys, signal } = request;
  const found: JsonRecord[][] = keys.map(() => []);
  const match = request.match.map((field) => placeOf(columnOf(clients, table, field)));
  const wanted = (request.fields ?? table.columns.map((column) => column.name)).map((field) =>
    placeOf(columnOf(clients, table, field)),
  );
  const values = match.map(({ codec, column }) =>
    keys.map((key) => {
      const value = key[column.name];
      const text = value === null || value === undefined ? null : codec.encode(value);
      return text instanceof Refusal ? null : text;
    }),
  );
  const rows = keys.map((_, index) => index).filter((index) => values.every((column) => column[index] !== null));
  if (rows.length === 0) return found;
  signal.throwIfAborted();
  const parameters = match.map((place, at) => arrayParameter(values[at]!, rows, place.bare));
  const answer = await clients.use(async (client) => {
    try {
      return await rawQuery(client, statement(table, match, wanted), parameters);
    } catch (error) {
      if (shapeChanged(error)) throw new ShapeChanged(error);
      throw callFailure(clients.access, error, table.table) ?? serverTrouble(clients.access, error, table.table);
    }
  });
  for (const line of answer) found[rows[Number(line[0]) - 1]!]!.push(decodeRow(wanted, line, 1));
  return found;
}

/** In the order of the primary key, so that “the first” is the same one each time. */
function statement(table: Table, match: Place[], wanted: Place[]): string {
  const on = match.map(({ column }, at) => `t.${name(column.name)} = i.c${at}`).join(" AND ");
  const columns = wanted.map(({ column }) => `t.${name(column.name)}`);
  const primary = table.uniques.find((index) => index.primary)?.columns ?? [];
  const order = ["i.n", ...primary.map((column) => `t.${name(column)}`)];
  return `WITH i AS (${unnested(match, 1, "c")}) SELECT ${["i.n", ...columns].join(", ")} FROM i JOIN ${relation(table)} t ON ${on} ORDER BY ${order.join(", ")}`;
}

function columnOf(clients: Clients, table: Table, field: string): Column {
  const column = table.columns.find((one) => one.name === field);
  if (column) return column;
  throw new IntegrationError(
    `“${clients.access.name}”: ${table.table} has no column "${field}". Choose one of its columns in the lookup.`,
    { kind: "settings", code: "unknown-field", field },
  );
}
