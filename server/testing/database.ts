/** A real, migrated PostgreSQL database for a test file, cloned from a template (about 0.1 s). */
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runMigrations } from "graphile-worker";
import pg from "pg";
import { migrate } from "../../scripts/migrate.mjs";
import { closeListener } from "../db/listen.ts";
import { closeDatabase, type Database, databaseFor } from "../db/prisma.ts";

const adminUrl = () => process.env.PLUMBLINE_TEST_DATABASE_URL ?? "postgres://postgres@127.0.0.1:5432/postgres";
const folder = fileURLToPath(new URL("../../prisma/migrations/", import.meta.url));
const lock = 7270737001; // one process at a time makes the template or clones it

function urlOf(name: string, server: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

function templateName(): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(folder).sort())
    if (!name.endsWith(".toml")) hash.update(readFileSync(join(folder, name, "migration.sql")));
  return `plumbline_template_${hash.digest("hex").slice(0, 12)}`;
}

async function asAdmin<T>(server: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: server });
  await client.connect().catch((cause) => {
    const { hostname, port } = new URL(server);
    throw new Error(
      `Tests need a PostgreSQL server; none let us in at ${hostname}:${port || 5432}. Set PLUMBLINE_TEST_DATABASE_URL to one whose user may create databases.`,
      { cause },
    );
  });
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function ensureTemplate(client: pg.Client, name: string, server: string): Promise<void> {
  const { rows } = await client.query("select datistemplate as done from pg_database where datname = $1", [name]);
  if (rows[0]?.done) return;
  const quoted = pg.escapeIdentifier(name);
  await client.query(`drop database if exists ${quoted} with (force)`); // half made by a process that died
  await client.query(`create database ${quoted}`);
  await migrate(urlOf(name, server));
  await runMigrations({ connectionString: urlOf(name, server) }); // the queue's own schema, so that `enqueue` works
  await client.query(`alter database ${quoted} with is_template true`);
}

export type TestDatabase = Database & {
  /** Closes pool and listener and drops the database. */
  drop(): Promise<void>;
};

/**
 * A migrated, empty database of its own, with the queue's schema. Call `drop` at the end (`afterAll`).
 *
 * @param prefix short name of the test file, to recognise a database that was left behind
 * @param server URL of the server to make it on, as a user who may create databases
 */
export async function testDatabase(prefix = "test", server = adminUrl()): Promise<TestDatabase> {
  const name = `plumbline_${prefix}_${randomBytes(5).toString("hex")}`.toLowerCase().replaceAll(/[^a-z0-9_]/g, "_");
  await asAdmin(server, async (client) => {
    await client.query("select pg_advisory_lock($1)", [lock]);
    const template = templateName();
    await ensureTemplate(client, template, server);
    await client.query(`create database ${pg.escapeIdentifier(name)} template ${pg.escapeIdentifier(template)}`);
  });
  const url = urlOf(name, server);
  return {
    ...databaseFor(url),
    async drop() {
      await closeListener(url);
      await closeDatabase(url);
      await asAdmin(server, (client) =>
        client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`),
      );
    },
  };
}
