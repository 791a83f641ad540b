/** Tables as streams and sinks. */
import type { SinkInfo, StreamInfo } from "../sdk/types.ts";
import { type Column, keysOf, primaryKey, publicName, readOnly, type Table } from "./catalog.ts";
import { codecOf, fieldOf } from "./codec.ts";
import { watchState } from "./watch/state.ts";

export const describeStreams = (tables: Table[], schema: string): StreamInfo[] =>
  tables.filter((table) => table.may.select).map((table) => streamOf(table, schema));

export const describeSinks = (tables: Table[], schema: string): SinkInfo[] =>
  tables.flatMap((table) => sinkOf(table, schema) ?? []);

const operations = ["insert", "update", "upsert", "delete"] as const;

/** A table, view, materialised view or foreign table as a stream. */
function streamOf(table: Table, schema: string): StreamInfo {
  const keys = keysOf(table);
  const info: StreamInfo = {
    name: publicName(table, schema),
    title: table.comment ?? publicName(table, schema),
    fields: fieldsOf(table),
    key: keys[0] ?? [],
    watermarks: watermarksOf(table),
    findBy: "any",
    watch: watchState(table, publicName(table, schema)),
  };
  if (table.rows >= 0) info.estimate = table.rows;
  return info;
}

/** A table as a sink; undefined when it takes no records from this user. */
function sinkOf(table: Table, schema: string): SinkInfo | undefined {
  if (table.kind !== "r" && table.kind !== "p") return undefined;
  const { may } = table;
  const allowed = {
    insert: may.insert && may.select,
    update: may.update && may.select,
    upsert: may.insert && may.update && may.select,
    delete: may.delete && may.update && may.select,
  };
  const able = operations.filter((operation) => allowed[operation]);
  if (able.length === 0) return undefined;
  return {
    name: publicName(table, schema),
    title: table.comment ?? publicName(table, schema),
    fields: fieldsOf(table).map((field, at) => {
      const column = table.columns[at]!;
      const fixed = readOnly(column);
      const filled = column.hasDefault || fixed;
      return { ...field, required: column.notNull && !filled, default: filled, readOnly: fixed };
    }),
    open: false,
    matchKeys: keysOf(table),
    operations: able,
    batchSize: 1000,
    readBack: true,
    undo: able.length === operations.length ? "full" : "lossy",
    ...(able.length < operations.length && {
      undoNote:
        "The user of this connection may not insert, update and delete here, so some changes cannot be put back.",
    }),
    idempotencyKeys: false,
    uniques: table.uniques.map(({ columns }) => columns),
    refers: [...new Set(table.foreignKeys.map((to) => publicName({ schema: to.schema, table: to.table }, schema)))],
    transactional: true,
    effect: "once",
  };
}

function fieldsOf(table: Table) {
  const keys = {
    primary: keysOf(table)[0] ?? [],
    uniques: table.uniques.flatMap((index) => (index.predicate === null && index.columns ? [index.columns] : [])),
  };
  return table.columns.map((column) => fieldOf(column, keys));
}

/** Likely to grow with each change: times named like one first, then other times, then counting keys. */
function watermarksOf(table: Table): string[] {
  const primary = primaryKey(table);
  const rank = (column: Column): number => {
    const type = codecOf(column).type;
    const named = /(upd|mod|chang|edit|sync)/i.test(column.name)
      ? 0
      : /(creat|insert|added|_at$|date|time)/i.test(column.name)
        ? 1
        : 2;
    if (type === "datetime") return named;
    if (type === "date") return named + 3;
    const counts = type === "integer" && (column.identity !== "" || (column.defaultSql ?? "").startsWith("nextval("));
    if (counts || (type === "integer" && primary.length === 1 && primary[0] === column.name)) return 8;
    if (type === "integer" && /(version|revision|seq|counter)/i.test(column.name)) return 7;
    return -1;
  };
  return table.columns
    .map((column) => ({ name: column.name, rank: rank(column) }))
    .filter((one) => one.rank >= 0)
    .sort((a, b) => a.rank - b.rank)
    .map((one) => one.name);
}
