/** Pieces of SQL: quoted names, and how a page of values becomes rows. */
import pg from "pg";
import { escaped } from "./arrays.ts";
import type { Column, Table } from "./catalog.ts";
import { type Codec, codecOf } from "./codec.ts";

export const name = (text: string) => pg.escapeIdentifier(text);
export const literal = (text: string) => pg.escapeLiteral(text);
export const relation = ({ schema, table }: Pick<Table, "schema" | "table">) => `${name(schema)}.${name(table)}`;

/** A column with all that is needed to send and receive its values. */
export type Place = {
  column: Column;
  codec: Codec;
  /** the array type its values are sent as */
  sent: string;
  /** cast after unnesting, for arrays and composite values (unnest would take them apart) */
  cast: string;
  /** its text form needs no quotes in an array literal */
  bare: boolean;
};

const bareTypes = new Set([
  "int2",
  "int4",
  "int8",
  "oid",
  "numeric",
  "float4",
  "float8",
  "bool",
  "uuid",
  "date",
  "time",
  "timestamp",
  "timestamptz",
]);

export function placeOf(column: Column): Place {
  const apart = column.element !== null || column.kind === "c";
  return {
    column,
    codec: codecOf(column),
    sent: apart ? "text[]" : `${column.base}[]`,
    cast: apart ? `::${column.base}` : "",
    bare: !apart && column.kind === "b" && bareTypes.has(column.type),
  };
}

/**
 * One parameter: the values of one column of the chosen rows, as an array literal. Texts are joined, quotes and all: adding
 * them up one by one made a seventh of what a worker allocates.
 */
export function arrayParameter(values: (string | null)[], rows: number[], bare: boolean): string {
  const texts = new Array<string>(rows.length);
  let nulls = bare || rows.length === 0;
  for (let at = 0; at < rows.length; at++) {
    const value = values[rows[at]!];
    if (value === null || value === undefined) {
      nulls = true;
      texts[at] = "NULL";
    } else texts[at] = bare ? value : escaped(value);
  }
  if (!nulls) return `{"${texts.join('","')}"}`;
  if (!bare) {
    for (let at = 0; at < rows.length; at++) if ((values[rows[at]!] ?? null) !== null) texts[at] = `"${texts[at]}"`;
  }
  return `{${texts.join(",")}}`;
}

/**
 * `SELECT n, <prefix>0, <prefix>1, …` over array parameters `$first`…; `n` counts from 1.
 */
export function unnested(places: Place[], first: number, prefix: string): string {
  const sent = places.map((place, at) => `$${first + at}::${place.sent}`);
  const names = places.map((_, at) => `${prefix}${at}`);
  const taken = places.map((place, at) => `${names[at]}${place.cast} AS ${names[at]}`);
  return `SELECT ${["n", ...taken].join(", ")} FROM unnest(${sent.join(", ")}) WITH ORDINALITY u(${[...names, "n"].join(", ")})`;
}

/** True where two values of the column are not the same; texts are compared byte by byte, whatever the collation. */
export function differs(column: Column, left: string, right: string): string {
  if (column.type === "json") return `${left}::jsonb IS DISTINCT FROM ${right}::jsonb`;
  if (column.category === "S" || !column.comparable)
    return `${left}::text COLLATE "C" IS DISTINCT FROM ${right}::text COLLATE "C"`;
  return `${left} IS DISTINCT FROM ${right}`;
}
