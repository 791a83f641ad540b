/** A PostgreSQL database of its own for a test file. */
import { randomBytes } from "node:crypto";
import pg from "pg";

export type TestDatabase = {
  url: string;
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  /** Drops the database, ending whatever is still connected to it. */
  drop(): Promise<void>;
};

/** The server tests use: `npm test` names it; otherwise one on this machine that trusts `postgres`. */
export const adminUrl = () => process.env.PLUMBLINE_TEST_DATABASE_URL ?? "postgres://postgres@127.0.0.1:5432/postgres";

/**
 * Creates an empty database named `<prefix>_<random>` on the test server.
 *
 * @throws when the server cannot be reached; the message says how to name another
 */
export async function createTestDatabase(prefix: string): Promise<TestDatabase> {
  const admin = new URL(adminUrl());
  const database = `${prefix}_${randomBytes(5).toString("hex")}`;
  await runOn(admin, `CREATE DATABASE ${pg.escapeIdentifier(database)}`);
  const url = new URL(admin);
  url.pathname = `/${database}`;
  return {
    url: url.href,
    host: admin.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(admin.port || 5432),
    user: decodeURIComponent(admin.username) || "postgres",
    password: decodeURIComponent(admin.password),
    database,
    drop: () => runOn(admin, `DROP DATABASE IF EXISTS ${pg.escapeIdentifier(database)} WITH (FORCE)`),
  };
}

/** Runs SQL on a database by a connection of its own, and gives the rows of it (of the last statement, were there several). */
export async function queryDatabase<Row extends pg.QueryResultRow>(
  { url }: { url: string },
  sql: string,
  values?: unknown[],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const result: pg.QueryResult<Row> | pg.QueryResult<Row>[] = await client.query<Row>(sql, values);
    return (Array.isArray(result) ? result.at(-1) : result)?.rows ?? [];
  } finally {
    await client.end();
  }
}

/** From now on the integer column says how often a row was really written: the database itself adds one at each update. */
export async function countUpdates(target: { url: string }, table: string, column: string): Promise<void> {
  await queryDatabase(
    target,
    `CREATE FUNCTION count_${table}_${column}() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN NEW.${column} := OLD.${column} + 1; RETURN NEW; END $$;
     CREATE TRIGGER count_update BEFORE UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION count_${table}_${column}()`,
  );
}

async function runOn(server: URL, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: server.href });
  try {
    await client.connect();
  } catch (error) {
    const where = `${server.hostname}:${server.port || 5432}`;
    throw new Error(
      `Tests need a PostgreSQL server; none let us in at ${where}. Set PLUMBLINE_TEST_DATABASE_URL to one whose user may create databases.`,
      { cause: error },
    );
  }
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
