/** Installs the recorder on a table, and takes it off again. */
import { randomUUID } from "node:crypto";
import type pg from "pg";
import type { WatchPlan } from "../../sdk/changes.ts";
import { IntegrationError } from "../../sdk/errors.ts";
import { keysOf, LOG, READER, RECORDER, type Table, WATCH } from "../catalog.ts";
import type { Clients } from "../client.ts";
import { callFailure, type ServerError } from "../errors.ts";
import { literal, name, relation } from "../sql.ts";
import { KEPT_FOR, placesIn, sharedSql, tableSql } from "./recorder.ts";
import { watchProblem } from "./state.ts";

/** What `installRecorder` would make, in words and as a script an administrator can run instead. */
export function planRecorder(clients: Clients, table: Table, stream: string): WatchPlan {
  const problem = watchProblem(table, stream);
  if (problem) throw notPossible(clients, problem);
  const places = placesIn(table);
  const tables = `${places.watch}, ${places.reader}, ${places.log}`;
  const statements = [
    "BEGIN",
    ...["insert", "update", "delete", "change", "truncate"].map(
      (event) => `DROP TRIGGER IF EXISTS plumbline_${event} ON ${relation(table)}`,
    ),
    ...sharedSql(places),
    ...tableSql(table, randomUUID()),
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ${tables} TO ${name(clients.access.user)}`,
    "COMMIT",
  ];
  const key = keysOf(table)[0]!.join(", ");
  return {
    summary: [
      `Triggers on ${stream}: whenever rows are created, changed or deleted, they note the key (${key}), and of deleted rows what they held.`,
      `Three small tables beside it in schema ${table.schema}: ${LOG}, ${WATCH}, ${READER}. What all flows have read is deleted from them within a minute or two.`,
      "Each write to the table takes a little longer; a TRUNCATE as long as a DELETE of all rows. The triggers never make a write fail.",
      "Installing waits for writes under way. If no flow reads the changes for seven days, recording stops by itself.",
    ],
    script: `${statements.join(";\n")};\n`,
  };
}

/** Installs the recorder in one transaction; what was installed before is replaced, and followers begin anew. */
export async function installRecorder(clients: Clients, table: Table, stream: string): Promise<void> {
  const problem = watchProblem(table, stream);
  if (problem) throw notPossible(clients, problem);
  await clients.use(async (client) => {
    try {
      await client.query("BEGIN; SET LOCAL statement_timeout = '15min'");
      await dropRecorders(client, table);
      for (const sql of sharedSql(placesIn(table))) await client.query(sql);
      for (const sql of tableSql(table, randomUUID())) await client.query(sql);
      await client.query("COMMIT");
    } catch (error) {
      throw installFailure(clients, stream, error, "Installing");
    }
  });
}

/** Who may be forgotten with the recorder; others than these keep it. */
type Leaving = { owner: string; readers: string[] };

/**
 * Takes the recorder off; when no other table of the schema is watched, our tables go too.
 *
 * @returns false when others than those who leave read it, and nothing was done
 */
export async function removeRecorder(
  clients: Clients,
  table: Table,
  stream: string,
  leaving?: Leaving,
): Promise<boolean> {
  const { log, watch, reader } = placesIn(table);
  return await clients.use(async (client) => {
    try {
      await client.query("BEGIN; SET LOCAL statement_timeout = '15min'");
      const { rows } = await client.query<{ there: boolean }>("SELECT to_regclass($1) IS NOT NULL AS there", [watch]);
      const there = rows[0]?.there === true;
      if (leaving && there && (await hasOtherReaders(client, table, leaving))) {
        await client.query("ROLLBACK");
        return false;
      }
      // whoever writes to the table waits behind this lock, and nobody asked for it just now
      if (leaving) await client.query("SET LOCAL lock_timeout = '2s'");
      await dropRecorders(client, table);
      if (there) {
        const gone = await client.query<{ id: string }>(`DELETE FROM ${watch} WHERE relation = $1::oid RETURNING id`, [
          table.oid,
        ]);
        const ids = gone.rows.map(({ id }) => id);
        const left = await client.query(`SELECT FROM ${watch} LIMIT 1`);
        if (left.rowCount === 0) await client.query(`DROP TABLE ${log}, ${reader}, ${watch}`);
        else {
          await client.query(`DELETE FROM ${reader} WHERE watch = ANY ($1::uuid[])`, [ids]);
          await client.query(`DELETE FROM ${log} WHERE watch = ANY ($1::uuid[])`, [ids]);
        }
      }
      await client.query("COMMIT");
      return true;
    } catch (error) {
      throw installFailure(clients, stream, error, "Removing");
    }
  });
}

async function hasOtherReaders(client: pg.Client, table: Table, { owner, readers }: Leaving): Promise<boolean> {
  const { watch, reader } = placesIn(table);
  const { rowCount } = await client.query(
    `SELECT FROM ${reader} r JOIN ${watch} w ON w.id = r.watch WHERE w.relation = $1::oid
       AND r.seen_at > now() - interval '${KEPT_FOR}' AND NOT (r.owner = $2 AND r.id = ANY ($3::text[])) LIMIT 1`,
    [table.oid, owner, readers],
  );
  return rowCount === 1;
}

/** The same as a script, for a stream that may not be reached now. */
export function removalScript(schema: string, stream: string): string {
  const dot = stream.indexOf(".");
  const table = dot < 0 ? { schema, table: stream } : { schema: stream.slice(0, dot), table: stream.slice(dot + 1) };
  const { watch, reader, log } = placesIn(table);
  const on = `to_regclass(${literal(relation(table))})`;
  return `DO $$
DECLARE call text;
BEGIN
  FOR call IN SELECT DISTINCT format('%I.%I()', n.nspname, p.proname) FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_trigger t ON t.tgfoid = p.oid
    WHERE starts_with(p.proname, ${literal(RECORDER)}) AND t.tgrelid = ${on}
  LOOP EXECUTE 'DROP FUNCTION ' || call || ' CASCADE'; END LOOP;
  DELETE FROM ${watch} WHERE relation = ${on};
  IF NOT EXISTS (SELECT FROM ${watch}) THEN DROP TABLE ${log}, ${reader}, ${watch}; END IF;
END $$;
`;
}

/**
 * Drops the functions of our triggers on the table, with which the triggers go, also where the user does not own the table;
 * and functions of ours that no trigger uses any more.
 */
async function dropRecorders(client: pg.Client, { oid, schema }: Table): Promise<void> {
  const { rows } = await client.query<{ call: string }>(
    `SELECT format('%I.%I()', n.nspname, p.proname) AS call FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE starts_with(p.proname, '${RECORDER}') AND n.nspname = $2
       AND (EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = p.oid AND t.tgrelid = $1::oid)
         OR (pg_has_role(p.proowner, 'USAGE') AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = p.oid)))`,
    [oid, schema],
  );
  for (const { call } of rows) await client.query(`DROP FUNCTION ${call} CASCADE`);
}

function installFailure(clients: Clients, stream: string, error: unknown, doing: string): IntegrationError {
  const { code, message } = error as ServerError;
  const named = `“${clients.access.name}”`;
  if (code === "42501")
    return new IntegrationError(
      `${named}: ${doing} the recorder of ${stream} needs a right that user "${clients.access.user}" lacks (${message}). Let the database's administrator run the script shown there, or grant it.`,
      { kind: "settings", code: "watch-refused", cause: error },
    );
  if (code === "55P03")
    return new IntegrationError(
      `${named}: ${stream} was in use for over 10 s, so nothing was changed there. Try again when long transactions on it are over.`,
      { kind: "transient", code: "lock-timeout", cause: error },
    );
  const known = callFailure(clients.access, error, stream);
  if (known) return known;
  return new IntegrationError(
    `${named}: ${doing} the recorder of ${stream} failed: ${message}. Nothing was changed there.`,
    { kind: "settings", code: "watch-failed", cause: error },
  );
}

const notPossible = (clients: Clients, problem: string) =>
  new IntegrationError(`“${clients.access.name}”: ${problem}`, { kind: "settings", code: "not-watchable" });
