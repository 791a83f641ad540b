/**
 * Applies `prisma/migrations/<name>/migration.sql` in order, each in a transaction, noted in `_prisma_migrations` as the
 * Prisma CLI does, so that `prisma migrate` stays usable on the same database. Needs no schema engine.
 */
import { createHash, randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./places.mjs";
import { explain, Stop, say } from "./progress.mjs";

const prismaLock = 72707369; // the advisory lock the Prisma CLI takes for migrations

const table = `create table if not exists _prisma_migrations (
  id varchar(36) primary key not null,
  checksum varchar(64) not null,
  finished_at timestamptz,
  migration_name varchar(255) not null,
  logs text,
  rolled_back_at timestamptz,
  started_at timestamptz not null default now(),
  applied_steps_count integer not null default 0
)`;

/**
 * Brings a database to the newest schema. Any number of processes may call this at once.
 * @param {string} databaseUrl
 * @param {{ folder?: string }} [options] folder with the migrations
 * @returns {Promise<string[]>} names of the migrations applied now
 * @throws {Stop} an applied file was edited, a former migration was left half done, or the SQL failed
 */
export async function migrate(databaseUrl, { folder = join(root, "prisma/migrations") } = {}) {
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query("select pg_advisory_lock($1)", [prismaLock]);
    await client.query(table);
    const { rows } = await client.query(
      "select migration_name, checksum, finished_at from _prisma_migrations where rolled_back_at is null",
    );
    const applied = new Map(rows.map((row) => [row.migration_name, row]));
    const wanted = readMigrations(folder);
    const now = [];
    for (const migration of wanted) {
      const before = applied.get(migration.name);
      if (!before) {
        await apply(client, migration);
        now.push(migration.name);
      } else if (!before.finished_at) {
        throw new Stop(
          `Migration ${migration.name} was begun by another tool and never finished. Look at the database, then mark it with: npx prisma migrate resolve --applied ${migration.name} (or --rolled-back)`,
        );
      } else if (before.checksum !== migration.checksum) {
        throw new Stop(
          `${migration.file} was changed after it had been applied to this database (expected sha256 ${before.checksum}, found ${migration.checksum}).\n` +
            "Restore the file as it was and put the change into a new migration.",
        );
      }
    }
    const known = new Set(wanted.map(({ name }) => name));
    const unknown = [...applied.keys()].filter((name) => !known.has(name));
    if (unknown.length > 0)
      say(
        `  Note: the database also has ${unknown.join(", ")}, which this version does not know; it was used by a newer one.`,
      );
    return now;
  } finally {
    await client.end();
  }
}

/** @param {string} folder */
function readMigrations(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
    .map((name) => {
      const file = join(folder, name, "migration.sql");
      if (!existsSync(file))
        throw new Stop(
          `The migration folder ${join(folder, name)} has no migration.sql. Restore it or remove the folder.`,
        );
      const bytes = readFileSync(file);
      return { name, file, sql: bytes.toString("utf8"), checksum: createHash("sha256").update(bytes).digest("hex") };
    });
}

/** @param {import("pg").Client} client @param {ReturnType<typeof readMigrations>[number]} migration */
async function apply(client, { name, file, sql, checksum }) {
  try {
    await client.query("begin");
    await client.query(sql);
    await client.query(
      "insert into _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count) values ($1, $2, $3, now(), clock_timestamp(), 1)",
      [randomUUID(), checksum, name],
    );
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => {});
    const { message, position } = /** @type {Error & { position?: string }} */ (error);
    const line = position ? ` (line ${sql.slice(0, Number(position)).split("\n").length})` : "";
    throw new Stop(`${file}${line} failed and was rolled back: ${message}`, { cause: error });
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const url = process.env.DATABASE_URL;
  try {
    if (!url)
      throw new Stop("Set DATABASE_URL to the database to migrate. `npm start` migrates the embedded one by itself.");
    const applied = await migrate(url);
    say(applied.length > 0 ? `Applied ${applied.join(", ")}` : "Nothing to apply");
  } catch (error) {
    process.exitCode = explain(error);
  }
}
