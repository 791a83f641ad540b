/** What the database's catalogue says of its tables: columns with resolved types, keys, constraints. */
import type pg from "pg";
import { IntegrationError } from "../sdk/errors.ts";

export type Column = {
  name: string;
  /** as declared, for people and casts: `numeric(10,2)`, `public.mood` */
  declared: string;
  /** the type below any domains, without length: `numeric`, `public.mood` */
  base: string;
  /** the same with length or digits: `numeric(10,2)` */
  full: string;
  /** its name in pg_type: `numeric`, `mood` */
  type: string;
  /** pg_type.typtype of the base: b(ase), e(num), c(omposite), r(ange), m(ultirange) */
  kind: string;
  category: string;
  /** length, precision and scale as PostgreSQL packs them; -1 for none */
  mod: number;
  /** of an array: the element's type name and kind */
  element: { type: string; kind: string; base: string; options: string[] | null } | null;
  notNull: boolean;
  hasDefault: boolean;
  /** SQL of the default, null when it has none */
  defaultSql: string | null;
  /** "a" always, "d" by default, "" no identity */
  identity: string;
  /** SQL of a generated column */
  generatedSql: string | null;
  options: string[] | null;
  domain: { name: string; checks: { name: string; sql: string }[] } | null;
  /** has an equality operator, so that values compare as such */
  comparable: boolean;
  comment: string | null;
};

export type UniqueIndex = {
  name: string;
  primary: boolean;
  /** null when an expression is part of it */
  columns: string[] | null;
  /** SQL of each key part */
  keys: string[];
  /** SQL of a partial index's condition */
  predicate: string | null;
  /** checked at once, so that ON CONFLICT may name it */
  immediate: boolean;
  nullsEqual: boolean;
};

export type ForeignKey = { name: string; columns: string[]; schema: string; table: string; refers: string[] };

export type Table = {
  oid: string;
  schema: string;
  table: string;
  /** r table · p partitioned · v view · m materialised view · f foreign */
  kind: "r" | "p" | "v" | "m" | "f";
  rows: number;
  comment: string | null;
  may: { select: boolean; insert: boolean; update: boolean; delete: boolean };
  columns: Column[];
  uniques: UniqueIndex[];
  checks: { name: string; sql: string; columns: string[] | null }[];
  foreignKeys: ForeignKey[];
  /** BEFORE ROW triggers may fill in what a record lacks */
  fills: { insert: boolean; update: boolean };
  /** something in its database may be checked as late as at the end of a transaction */
  defers: boolean;
  watch: WatchFacts;
};

/** What decides whether a table can be watched, and whether it is. */
export type WatchFacts = {
  /** the user may create tables and functions in its schema, and triggers on it */
  mayCreate: boolean;
  mayTrigger: boolean;
  /** tables inherit from it (not partitions): what changes in those is not seen */
  hasHeirs: boolean;
  /** our triggers on it, and how many of them are enabled */
  triggers: number;
  enabled: number;
  /** the tables they write to are there, and the user may use them */
  hasLog: boolean;
};

/** Tables of ours that stand beside those that are watched; nobody reads or writes them as records. */
export const LOG = "plumbline_change";
export const WATCH = "plumbline_watch";
export const READER = "plumbline_reader";
/** The recorder's functions begin like this. */
export const RECORDER = "plumbline_record_";

/** Source: PostgreSQL manual, “System Catalogs”. `to_jsonb(row)->>…` reads columns that older servers lack. */
const catalogSql = `
WITH RECURSIVE base(domain, type, mod, not_null, def, depth) AS (
  SELECT oid, typbasetype, typtypmod, typnotnull, typdefault IS NOT NULL, 1 FROM pg_type WHERE typtype = 'd'
  UNION ALL
  SELECT base.domain, t.typbasetype, t.typtypmod, base.not_null OR t.typnotnull, base.def OR t.typdefault IS NOT NULL, depth + 1
  FROM base JOIN pg_type t ON t.oid = base.type AND t.typtype = 'd'
), resolved AS (SELECT DISTINCT ON (domain) * FROM base ORDER BY domain, depth DESC),
chosen AS (
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r','p','v','m','f') AND NOT c.relispartition AND c.relname NOT IN ('${LOG}','${WATCH}','${READER}') AND NOT pg_is_other_temp_schema(n.oid)
    AND n.nspname NOT IN ('pg_catalog','information_schema') AND n.nspname !~ '^pg_(toast|temp)'
    AND ($1::text IS NULL OR (n.nspname = $2 AND c.relname = $1) OR n.nspname || '.' || c.relname = $1)
)
SELECT c.oid::text, c.nspname AS schema, c.relname AS table, c.relkind AS kind, c.reltuples::float8 AS rows,
  obj_description(c.oid, 'pg_class') AS comment,
  json_build_object('select', has_any_column_privilege(c.oid, 'SELECT'), 'insert', has_any_column_privilege(c.oid, 'INSERT'),
    'update', has_any_column_privilege(c.oid, 'UPDATE'), 'delete', has_table_privilege(c.oid, 'DELETE')) AS may,
  COALESCE((SELECT json_agg(json_build_object(
      'name', a.attname, 'declared', format_type(a.atttypid, a.atttypmod), 'base', format_type(t.oid, -1),
      'full', format_type(t.oid, CASE WHEN r.domain IS NULL THEN a.atttypmod ELSE r.mod END), 'type', t.typname,
      'kind', t.typtype, 'category', t.typcategory, 'mod', CASE WHEN r.domain IS NULL THEN a.atttypmod ELSE r.mod END,
      'element', CASE WHEN t.typcategory = 'A' THEN (SELECT json_build_object('type', e.typname, 'kind', e.typtype,
          'base', format_type(e.oid, -1), 'options', (SELECT json_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = e.oid))
        FROM pg_type e WHERE e.oid = t.typelem) END,
      'notNull', a.attnotnull OR COALESCE(r.not_null, false),
      'hasDefault', a.atthasdef OR a.attidentity <> '' OR COALESCE(r.def, false),
      'defaultSql', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
      'generatedSql', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
      'identity', a.attidentity,
      'options', (SELECT json_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid),
      'domain', CASE WHEN r.domain IS NOT NULL THEN json_build_object('name', format_type(r.domain, NULL), 'checks',
        COALESCE((SELECT json_agg(json_build_object('name', k.conname, 'sql', pg_get_expr(k.conbin, 0)) ORDER BY b.depth DESC, k.conname)
          FROM (SELECT r.domain AS type, 0 AS depth UNION ALL SELECT type, depth FROM base WHERE base.domain = r.domain) b
          JOIN pg_constraint k ON k.contype = 'c' AND k.contypid = b.type), '[]'::json)) END,
      'comparable', t.typcategory IN ('S','E','R') OR t.typtype IN ('e','r','m')
        OR (t.typcategory = 'A' AND EXISTS (SELECT FROM pg_type e JOIN pg_opclass o ON o.opcdefault
          AND (o.opcintype = e.oid OR e.typcategory IN ('S','E')) WHERE e.oid = t.typelem))
        OR EXISTS (SELECT FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod AND m.amname = 'btree' WHERE o.opcdefault AND o.opcintype = t.oid),
      'comment', col_description(c.oid, a.attnum)) ORDER BY a.attnum)
    FROM pg_attribute a LEFT JOIN resolved r ON r.domain = a.atttypid
    JOIN pg_type t ON t.oid = COALESCE(r.type, a.atttypid) LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]'::json) AS columns,
  (SELECT json_build_object('insert', COALESCE(bool_or(g.tgtype & 7 = 7), false),
      'update', COALESCE(bool_or(g.tgtype & 19 = 19), false)) FROM pg_trigger g
    WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled IN ('O','A')) AS fills,
  EXISTS (SELECT FROM pg_trigger WHERE tgdeferrable) AS defers,
  COALESCE((SELECT json_agg(json_build_object(
      'name', ic.relname, 'primary', i.indisprimary, 'immediate', i.indimmediate,
      'nullsEqual', COALESCE((to_jsonb(i)->>'indnullsnotdistinct')::bool, false),
      'predicate', pg_get_expr(i.indpred, i.indrelid),
      'keys', (SELECT json_agg(pg_get_indexdef(i.indexrelid, k, false) ORDER BY k) FROM generate_series(1, i.indnkeyatts) k),
      'columns', CASE WHEN i.indexprs IS NULL THEN (SELECT json_agg(a.attname ORDER BY k.n)
        FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, n) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
        WHERE k.n <= i.indnkeyatts) END) ORDER BY i.indisprimary DESC, ic.oid)
    FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indislive), '[]'::json) AS uniques,
  COALESCE((SELECT json_agg(json_build_object('name', k.conname, 'sql', pg_get_expr(k.conbin, k.conrelid),
      'columns', (SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey)))
      ORDER BY k.conname)
    FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c'
      AND COALESCE(to_jsonb(k)->>'conenforced', 'true') = 'true'), '[]'::json) AS checks,
  COALESCE((SELECT json_agg(json_build_object('name', k.conname, 'schema', fn.nspname, 'table', fc.relname,
      'columns', (SELECT json_agg(a.attname ORDER BY x.n) FROM unnest(k.conkey) WITH ORDINALITY x(attnum, n)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.attnum),
      'refers', (SELECT json_agg(a.attname ORDER BY x.n) FROM unnest(k.confkey) WITH ORDINALITY x(attnum, n)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = x.attnum)) ORDER BY k.conname)
    FROM pg_constraint k JOIN pg_class fc ON fc.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = fc.relnamespace
    WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.conparentid = 0
      AND COALESCE(to_jsonb(k)->>'conenforced', 'true') = 'true'), '[]'::json) AS "foreignKeys",
  json_build_object('mayCreate', has_schema_privilege(c.nspname, 'CREATE'), 'mayTrigger', has_table_privilege(c.oid, 'TRIGGER'),
    'hasHeirs', c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid),
    'triggers', w.triggers, 'enabled', w.enabled,
    'hasLog', (SELECT count(*) = 3 AND bool_and(has_table_privilege(l.oid, 'SELECT') AND has_table_privilege(l.oid, 'UPDATE')
        AND has_table_privilege(l.oid, 'INSERT') AND has_table_privilege(l.oid, 'DELETE')) FROM pg_class l JOIN pg_namespace ln ON ln.oid = l.relnamespace
      WHERE ln.nspname = c.nspname AND l.relname IN ('${LOG}','${WATCH}','${READER}'))) AS watch
FROM chosen c CROSS JOIN LATERAL (SELECT count(*)::int AS triggers, count(*) FILTER (WHERE g.tgenabled IN ('O','A'))::int AS enabled
  FROM pg_trigger g JOIN pg_proc f ON f.oid = g.tgfoid WHERE g.tgrelid = c.oid AND starts_with(f.proname, '${RECORDER}')) w ORDER BY c.nspname = $2 DESC, c.nspname, c.relname`;

/**
 * Tables, views and the like that the user may see, those of `schema` first; with `name`, only what carries that name.
 * The client must be outside of a transaction.
 */
export async function readCatalog(client: pg.ClientBase, schema: string, name: string | null): Promise<Table[]> {
  // With this search path every type and function outside pg_catalog is printed with its schema.
  await client.query("BEGIN READ ONLY; SET LOCAL search_path = pg_catalog");
  try {
    const found = await client.query<Table>({ text: catalogSql, values: [name, schema], types: jsonOnly });
    return found.rows;
  } finally {
    await client.query("ROLLBACK");
  }
}

const parsers: { [oid: number]: (raw: string) => unknown } = {
  16: (raw) => raw === "t",
  114: (raw) => JSON.parse(raw),
  701: Number,
};
const jsonOnly: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number) => parsers[oid] ?? ((raw: string) => raw)) as pg.CustomTypesConfig["getTypeParser"],
};

/** The name of a table in flows: plain in the connection's schema, `schema.table` elsewhere. */
export const publicName = (table: Pick<Table, "schema" | "table">, schema: string) =>
  table.schema === schema ? table.table : `${table.schema}.${table.table}`;

export const primaryKey = (table: Table) => table.uniques.find((index) => index.primary)?.columns ?? [];

/** Sets of columns that identify one row whatever its values: never null, without condition or expression. */
export function keysOf(table: Table): string[][] {
  const notNull = new Set(table.columns.filter((column) => column.notNull).map((column) => column.name));
  return table.uniques
    .filter((index) => index.columns && !index.predicate && index.columns.every((name) => notNull.has(name)))
    .map((index) => index.columns!);
}

/** Columns the database fills itself. */
export const readOnly = (column: Column) => column.generatedSql !== null || column.identity === "a";

/** The failure for a stream or sink the database does not have (any more). */
export function tableMissing(connection: string, schema: string, name: string): IntegrationError {
  return new IntegrationError(
    `“${connection}”: there is no table or view ${JSON.stringify(name)} (schema "${schema}"), or the user may not see it. It may have been dropped or renamed; choose another one in the step.`,
    { kind: "settings", code: "table-missing" },
  );
}
