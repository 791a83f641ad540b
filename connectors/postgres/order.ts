/** In which order a table is read, and how reading resumes behind the last record of any page. */
import { IntegrationError } from "../sdk/errors.ts";
import { readMark } from "../sdk/ties.ts";
import type { Json, ReadRequest } from "../sdk/types.ts";
import { type Column, keysOf, type Table } from "./catalog.ts";
import { windowOf, writerSql } from "./late.ts";
import { Refusal } from "./refusal.ts";
import { name, placeOf, relation } from "./sql.ts";
import type { Row } from "./transaction.ts";

/** Something rows are ordered by: SQL, and the type its text is cast to when it comes back. */
type Sort = { sql: string; type: string };

/** Where reading resumes: behind the row with watermark `w` and key `k`, or after `skip` rows (of watermark `w`). */
type Position = { w?: string | null; k?: string[]; skip?: number };

export type ReadPlan = {
  text: string;
  values: (string | number)[];
  /** the cursor behind this row; rows must be given one after the other */
  advance(row: Row): Json;
  /** index of the watermark in a row; undefined when reading is not incremental */
  watermarkAt: number | undefined;
  /** the text says how many rows are wanted */
  limited: boolean;
};

/**
 * Tables with a key are read in its order, others in the order they are stored in (ctid); views have neither and are
 * read in the order of all their columns, where reading resumes by counting.
 *
 * @param again also read what has the very watermark of `after`
 * @param writers tell who wrote each row, in its last place; with `lateFrom`, only rows within the window before `after`
 * that this transaction or a later one wrote
 */
export function planRead(
  connection: string,
  table: Table,
  request: ReadRequest,
  again = false,
  writers?: { current: bigint; lateFrom?: bigint },
): ReadPlan {
  const position = readPosition(request.cursor);
  const watermark = request.watermark && watermarkColumn(connection, table, request.watermark.field);
  const key = keyOf(table);
  const counted = key === undefined;
  const sorts = key ?? table.columns.map(byColumn);
  const values: (string | number)[] = [];
  const bind = (value: string | number, type: string) => `$${values.push(value)}::${type}`;
  const where: string[] = [];
  let nullsFirst = "";
  if (watermark && request.watermark) {
    const w = `t.${name(watermark.name)}`;
    const encode = (value: NonNullable<Json>) => encodeWatermark(connection, table, watermark, value);
    const { until } = request.watermark;
    const { at } = readMark(request.watermark.after ?? null);
    if (at !== null && writers?.lateFrom !== undefined) {
      const newest = bind(encode(at), watermark.base);
      const current = bind(writers.current.toString(), "int8");
      const from = bind(writers.lateFrom.toString(), "int8");
      where.push(`${w} < ${newest} AND ${w} > ${newest} ${windowOf(watermark)} AND ${writerSql(current)} >= ${from}`);
    } else if (at !== null) where.push(`${w} ${again ? ">=" : ">"} ${bind(encode(at), watermark.base)}`);
    else if (!watermark.notNull) nullsFirst = " NULLS FIRST";
    if (until !== null && until !== undefined)
      where.push(`(${w} <= ${bind(encode(until), watermark.base)} OR ${w} IS NULL)`);
  }
  if (request.range !== undefined) where.push(...within(connection, table, request.range, sorts[0], bind));
  if (position) where.push(...resumed(position, watermark || undefined, counted ? undefined : sorts, bind));
  const order = [
    ...(watermark ? [`t.${name(watermark.name)}${position?.w ? "" : nullsFirst}`] : []),
    ...sorts.map((sort) => sort.sql),
  ];
  const columns = table.columns.map((column) => `t.${name(column.name)}`);
  const extra = counted ? [] : sorts.map((sort) => `(${sort.sql})::text`);
  if (writers) extra.push("t.xmin::text");
  const text = [
    `SELECT ${[...columns, ...extra].join(", ")} FROM ${relation(table)} t`,
    where.length > 0 ? `WHERE ${where.join(" AND ")}` : "",
    order.length > 0 ? `ORDER BY ${order.join(", ")}` : "",
    request.limit === undefined ? "" : `LIMIT ${bind(request.limit + passedOver(request), "int8")}`,
    counted && position?.skip ? `OFFSET ${bind(position.skip, "int8")}` : "",
  ].join(" ");
  const watermarkAt = watermark ? table.columns.indexOf(watermark) : undefined;
  return {
    text,
    values,
    watermarkAt,
    limited: request.limit !== undefined,
    advance: counted ? counting(position, watermarkAt) : keyed(table.columns.length, sorts.length, watermarkAt),
  };
}

/** A stretch of a table in the order of its key's first column: from (inclusive) … to (exclusive); null: no end there. */
export type KeyRange = { by: string; from: string | null; to: string | null };

/** @throws IntegrationError when the key is another than the range was made for */
function within(
  connection: string,
  table: Table,
  range: Json,
  first: Sort | undefined,
  bind: (value: string, type: string) => string,
): string[] {
  const { by, from, to } = range as KeyRange;
  if (first?.sql !== by) {
    throw new IntegrationError(
      `“${connection}”: the key of ${table.table} changed while it was read in ranges of it. Run the flow again.`,
      { kind: "settings", code: "table-changed" },
    );
  }
  const conditions: string[] = [];
  if (from !== null) conditions.push(`${by} >= ${bind(from, first.type)}`);
  if (to !== null) conditions.push(`${by} < ${bind(to, first.type)}`);
  return conditions;
}

/** The first column of the key rows are read in the order of; undefined for tables without a key. */
export function leadingSort(table: Table): Sort | undefined {
  return keysOf(table).length > 0 ? keyOf(table)?.[0] : undefined;
}

/** How many of the rows read may be passed over because an earlier run read them. */
const passedOver = ({ watermark }: ReadRequest) => readMark(watermark?.after ?? null).seen?.size ?? 0;

/**
 * How many rows have the very watermark of `after`, asked when that mark only says how many there were; else undefined.
 */
export function countTies(connection: string, table: Table, request: ReadRequest) {
  const { at, ties } = readMark(request.watermark?.after ?? null);
  if (!request.watermark || at === null || ties === undefined) return undefined;
  const column = watermarkColumn(connection, table, request.watermark.field);
  const text = `SELECT count(*)::int FROM ${relation(table)} t WHERE t.${name(column.name)} = $1::${column.base}`;
  return { text, values: [encodeWatermark(connection, table, column, at)], known: ties };
}

function keyOf(table: Table): Sort[] | undefined {
  const key = keysOf(table)[0];
  if (key) return key.map((field) => byColumn(table.columns.find((column) => column.name === field)!));
  if (table.kind === "p")
    return [
      { sql: "t.tableoid", type: "oid" },
      { sql: "t.ctid", type: "tid" },
    ];
  return table.kind === "r" || table.kind === "m" ? [{ sql: "t.ctid", type: "tid" }] : undefined;
}

const byColumn = (column: Column): Sort =>
  column.comparable
    ? { sql: `t.${name(column.name)}`, type: column.base }
    : { sql: `t.${name(column.name)}::text`, type: "text" };

function resumed(
  position: Position,
  watermark: Column | undefined,
  sorts: Sort[] | undefined,
  bind: (value: string, type: string) => string,
): string[] {
  const w = watermark && `t.${name(watermark.name)}`;
  if (!sorts || !position.k) return w && position.w ? [`${w} >= ${bind(position.w, watermark.base)}`] : [];
  const behind = (left: Sort[], right: string[]) =>
    `(${left.map((sort) => sort.sql).join(", ")}) > (${right.map((value, at) => bind(value, left[at]!.type)).join(", ")})`;
  if (!w) return [behind(sorts, position.k)];
  if (position.w) return [behind([{ sql: w, type: watermark.base }, ...sorts], [position.w, ...position.k])];
  return [`(${w} IS NOT NULL OR ${behind(sorts, position.k)})`];
}

/** The cursor is the key of the row (and its watermark). */
const keyed =
  (columns: number, sorts: number, watermarkAt: number | undefined) =>
  (row: Row): Json => {
    const k = row.slice(columns, columns + sorts) as string[];
    return watermarkAt === undefined ? { k } : { w: row[watermarkAt]!, k };
  };

/** The cursor is how many rows were read (with the same watermark). */
function counting(start: Position | undefined, watermarkAt: number | undefined) {
  let skip = start?.skip ?? 0;
  let last = start?.w;
  return (row: Row): Json => {
    if (watermarkAt === undefined) return { skip: ++skip };
    const w = row[watermarkAt]!;
    skip = w === last ? skip + 1 : 1;
    last = w;
    return { w, skip };
  };
}

function readPosition(cursor: Json): Position | undefined {
  if (cursor === null || typeof cursor !== "object" || Array.isArray(cursor)) return undefined;
  return cursor as Position;
}

/** The watermark's column. @throws IntegrationError when it cannot serve as one */
export function watermarkColumn(connection: string, table: Table, field: string): Column {
  const column = table.columns.find((one) => one.name === field);
  if (column?.comparable) return column;
  const problem = column ? "has no order" : "is not there (renamed or dropped?)";
  throw new IntegrationError(
    `“${connection}”: the watermark “${field}” of ${table.table} ${problem}. Choose another one in the step.`,
    { kind: "settings", code: "watermark-unusable", field },
  );
}

function encodeWatermark(connection: string, table: Table, column: Column, value: NonNullable<Json>): string {
  const text = placeOf(column).codec.encode(value);
  if (!(text instanceof Refusal)) return text;
  throw new IntegrationError(
    `“${connection}”: the watermark “${column.name}” of ${table.table} cannot start there: ${text.reason}.`,
    {
      kind: "settings",
      code: "watermark-unusable",
      field: column.name,
    },
  );
}
