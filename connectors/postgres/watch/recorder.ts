/**
 * The recorder: what is installed in a database so that a table can be watched. Triggers write the key of each changed row
 * to a small table beside it, with the number of the writing transaction, and notify who listens (docs/decisions/0007).
 */
import { keysOf, LOG, READER, RECORDER, type Table, WATCH } from "../catalog.ts";
import { literal, name, relation } from "../sql.ts";

/** Notifications carry the number of the watch. */
export const CHANNEL = "plumbline_change";
/** Without any reader for so long, the recorder stops by itself. */
export const KEPT_FOR = "7 days";

export type Places = { log: string; watch: string; reader: string };

/** The tables of ours in a schema, quoted. */
export const placesIn = ({ schema }: Pick<Table, "schema">): Places => ({
  log: relation({ schema, table: LOG }),
  watch: relation({ schema, table: WATCH }),
  reader: relation({ schema, table: READER }),
});

/** The recorder's function: one for each watch, so that renaming tables confuses nothing. */
const recorderName = (id: string): string => `${RECORDER}${id.replaceAll("-", "")}`;

/** Triggers a table needs: partitions pass on triggers of rows only, others keep those of statements, which are cheaper. */
export const triggersOf = ({ kind }: Pick<Table, "kind">): number => (kind === "p" ? 2 : 4);

/** What makes the shared tables of a schema; each may be there already. */
export function sharedSql({ log, watch, reader }: Places): string[] {
  return [
    `CREATE TABLE IF NOT EXISTS ${watch} (id uuid PRIMARY KEY, relation oid NOT NULL UNIQUE, recorder text NOT NULL, key text[] NOT NULL,
  trimmed_to xid8 NOT NULL DEFAULT '0', trim_next xid8 NOT NULL DEFAULT '0', wanted_until timestamptz NOT NULL,
  installed_at timestamptz NOT NULL DEFAULT now(), installed_by text NOT NULL DEFAULT session_user)`,
    `CREATE TABLE IF NOT EXISTS ${reader} (watch uuid NOT NULL, owner text NOT NULL, id text NOT NULL, position pg_snapshot NOT NULL,
  seen_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (watch, owner, id))`,
    `CREATE TABLE IF NOT EXISTS ${log} (watch uuid NOT NULL, tx xid8 NOT NULL DEFAULT pg_current_xact_id(), seq bigint GENERATED ALWAYS AS IDENTITY,
  operation "char" NOT NULL, key text[] NOT NULL, before jsonb, PRIMARY KEY (watch, tx, seq))`,
  ];
}

/** What installs the recorder on a table, under this number. Takes a lock that waits for who is writing just now. */
export function tableSql(table: Table, id: string): string[] {
  const { watch, reader, log } = placesIn(table);
  const key = keysOf(table)[0]!;
  const recorder = recorderName(id);
  const call = `${name(table.schema)}.${name(recorder)}()`;
  const on = relation(table);
  return [
    functionSql(table, id, call),
    `REVOKE ALL ON FUNCTION ${call} FROM PUBLIC`,
    `DELETE FROM ${watch} w WHERE w.relation = ${literal(on)}::regclass OR NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = w.relation)`,
    `INSERT INTO ${watch} (id, relation, recorder, key, wanted_until)
  VALUES (${literal(id)}, ${literal(on)}::regclass, ${literal(recorder)}, ARRAY[${key.map(literal).join(", ")}], now() + interval '${KEPT_FOR}')`,
    `DELETE FROM ${reader} r WHERE NOT EXISTS (SELECT FROM ${watch} w WHERE w.id = r.watch)`,
    `DELETE FROM ${log} c WHERE NOT EXISTS (SELECT FROM ${watch} w WHERE w.id = c.watch)`,
    ...triggerSql(table, on, call),
  ];
}

function triggerSql({ kind }: Table, on: string, call: string): string[] {
  const truncate = `CREATE TRIGGER plumbline_truncate BEFORE TRUNCATE ON ${on} FOR EACH STATEMENT EXECUTE FUNCTION ${call}`;
  if (kind === "p")
    return [
      `CREATE TRIGGER plumbline_change AFTER INSERT OR UPDATE OR DELETE ON ${on} FOR EACH ROW EXECUTE FUNCTION ${call}`,
      truncate,
    ];
  const statement = (event: string, rows: string) =>
    `CREATE TRIGGER plumbline_${event.toLowerCase()} AFTER ${event} ON ${on} REFERENCING ${rows} FOR EACH STATEMENT EXECUTE FUNCTION ${call}`;
  return [
    statement("INSERT", "NEW TABLE AS new_rows"),
    statement("UPDATE", "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
    statement("DELETE", "OLD TABLE AS old_rows"),
    truncate,
  ];
}

/**
 * Whatever became of our tables, our rights or the key's columns, a write to the watched table must not fail because of us: then
 * nothing is recorded, which the next look notices. Keys are kept in JSON's form of a value, which no setting of a
 * session changes. Statements are planned each time (EXECUTE), as one row today may be a million tomorrow.
 */
function functionSql(table: Table, id: string, call: string): string {
  const { log, watch } = placesIn(table);
  const key = keysOf(table)[0]!;
  const keyOf = (row: string) =>
    `ARRAY[${key.map((column) => `to_jsonb(${row}.${name(column)}) #>> '{}'`).join(", ")}]`;
  const insert = `INSERT INTO ${log} (watch, operation, key, before)`;
  const uuid = `${literal(id)}::uuid`;
  const run = (sql: string) => `EXECUTE ${literal(sql)}`;
  const gone = `${insert} SELECT ${uuid}, 'D', ${keyOf("o")}, to_jsonb(o) FROM old_rows o
      WHERE NOT EXISTS (SELECT FROM new_rows n WHERE ${keyOf("n")} = ${keyOf("o")})`;
  const cases =
    table.kind === "p"
      ? `ELSE
    IF TG_OP <> 'INSERT' THEN
      ${run(`SELECT ${keyOf("r")}, to_jsonb(r) FROM (SELECT ($1).*) r`)} INTO before_key, before_row USING OLD;
    END IF;
    IF TG_OP <> 'DELETE' THEN
      ${run(`SELECT ${keyOf("r")} FROM (SELECT ($1).*) r`)} INTO after_key USING NEW;
      ${insert} VALUES (${uuid}, left(TG_OP, 1)::"char", after_key, NULL);
    END IF;
    IF TG_OP <> 'INSERT' AND before_key IS DISTINCT FROM after_key THEN
      ${insert} VALUES (${uuid}, 'D', before_key, before_row);
    END IF;
    recorded := 1;`
      : `ELSIF TG_OP = 'INSERT' THEN
    ${run(`${insert} SELECT ${uuid}, 'I', ${keyOf("n")}, NULL FROM new_rows n`)};
  ELSIF TG_OP = 'UPDATE' THEN
    ${run(gone)};
    ${run(`${insert} SELECT ${uuid}, 'U', ${keyOf("n")}, NULL FROM new_rows n`)};
  ELSE
    ${run(`${insert} SELECT ${uuid}, 'D', ${keyOf("o")}, to_jsonb(o) FROM old_rows o`)};`;
  const body = `
-- Made by Plumbline to watch this table. It records the keys of changed rows, and never stops a write.
DECLARE
  recorded bigint;
  before_key text[];
  after_key text[];
  before_row jsonb;
BEGIN
  IF to_regclass(${literal(log)}) IS NULL OR to_regclass(${literal(watch)}) IS NULL THEN RETURN NULL; END IF;
  IF NOT (has_table_privilege(${literal(log)}, 'INSERT') AND has_table_privilege(${literal(watch)}, 'SELECT')) THEN RETURN NULL; END IF;
  PERFORM FROM ${watch} w WHERE w.id = ${uuid} AND w.wanted_until > now();
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = TG_RELID AND NOT a.attisdropped
      AND a.attname::text = ANY (ARRAY[${key.map(literal).join(", ")}])) < ${key.length} THEN RETURN NULL; END IF;
  IF TG_OP = 'TRUNCATE' THEN
    IF NOT has_table_privilege(TG_RELID, 'SELECT') THEN RETURN NULL; END IF;
    EXECUTE ${literal(`${insert} SELECT ${uuid}, 'D', ${keyOf("t")}, to_jsonb(t) FROM `)} || TG_RELID::regclass::text || ' t';
  ${cases}
  END IF;
  IF recorded IS NULL THEN GET DIAGNOSTICS recorded = ROW_COUNT; END IF;
  IF recorded > 0 THEN PERFORM pg_notify('${CHANNEL}', ${literal(id)}); END IF;
  RETURN NULL;
END `;
  const quoted = body.includes("$plumbline$") ? literal(body) : `$plumbline$${body}$plumbline$`;
  return `CREATE FUNCTION ${call} RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp AS ${quoted}`;
}
