/**
 * The product's database on a PostgreSQL server of the test's own, which can be killed under its clients. It does without fsync:
 * the machine lives on, and so does what the server has written.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { startPostgres } from "../../scripts/embedded-postgres.mjs";
import { cacheFolder } from "../../scripts/places.mjs";
import { readJson } from "../../scripts/processes.mjs";
import { type TestDatabase, testDatabase } from "../../server/testing/database.ts";

/** `drop` ends the server too, and removes its data. */
export type MortalDatabase = TestDatabase & {
  /** SIGKILL to the server; its sessions end with it */
  kill(): void;
  /** Starts it again, at the same port; resolves when it answers. */
  startAgain(): Promise<void>;
  /** A question of the test's own, asked until the server answers. */
  ask<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>;
};

/** @param prefix short name of the test file */
export async function mortalDatabase(prefix: string): Promise<MortalDatabase> {
  const base = join(cacheFolder, `${prefix} test ${process.pid}`);
  const server = { folder: join(base, "postgres"), secretsFolder: join(base, "secrets"), durable: false };
  let postgres = await startPostgres(server);
  const database = await testDatabase(prefix, postgres.adminUrl);
  return {
    ...database,
    kill: () => void process.kill(postgres.process.pid, "SIGKILL"),
    async startAgain() {
      postgres = await startPostgres({ ...server, port: postgres.port });
    },
    ask: (sql, values) => patiently(() => question(database.url, sql, values)),
    async drop() {
      await database.drop().catch(() => {});
      await postgres.stop();
      const elsewhere = readJson(join(server.folder, "location.json"))?.folder;
      for (const folder of [base, elsewhere]) if (folder) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A session of its own: one that the pool has kept may be of a server that died. */
async function question<Row extends pg.QueryResultRow>(url: string, sql: string, values?: unknown[]): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

/** Repeats what a database that is dead just now makes fail, for 30 s. What it refuses is thrown at once. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 30_000; ; await sleep(100)) {
    try {
      return await work();
    } catch (error) {
      const refused = error instanceof Error && "code" in error && /^(2[23]|42)/.test(String(error.code));
      if (refused || Date.now() > end) throw error;
    }
  }
}
