import { runMigrations } from "graphile-worker";
import type pg from "pg";

/** Makes or updates the queue's own schema, `graphile_worker`. Web and worker call it at start; it is safe to repeat. */
export async function migrateQueue(pgPool: pg.Pool): Promise<void> {
  await runMigrations({ pgPool });
}
