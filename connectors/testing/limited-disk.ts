/** A PostgreSQL of its own with databases on a small disk that can be filled up: a tablespace there. */
import { chownSync, mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { startPostgres } from "../../scripts/embedded-postgres.mjs";
import { cacheFolder } from "../../scripts/places.mjs";
import { readJson } from "../../scripts/processes.mjs";
import { queryDatabase } from "./postgres-database.ts";
import { type SmallDisk, smallDisk } from "./small-disk.ts";

export type LimitedDisk = Pick<SmallDisk, "fill" | "free"> & {
  /** of the server, as its superuser; its own files lie elsewhere, where there is space */
  adminUrl: string;
  /** moves a database nobody uses to the small disk; without one, makes an empty one there */
  database(name: string, existing?: boolean): Promise<{ url: string }>;
  end(): Promise<void>;
};

/**
 * @param name short name of the test file
 * @returns undefined where no small disk can be made (see smallDisk)
 */
export async function limitedDisk(name: string, megabytes: number): Promise<LimitedDisk | undefined> {
  const disk = smallDisk(megabytes);
  if (!disk) return undefined;
  const base = join(cacheFolder, `${name} disk ${process.pid}`);
  const folder = join(base, "postgres");
  const postgres = await startPostgres({ folder, secretsFolder: join(base, "secrets"), durable: false });
  const { adminUrl } = postgres;
  const space = join(disk.path, "space");
  mkdirSync(space, { mode: 0o700 });
  const { uid, gid } = statSync(postgres.dataFolder);
  chownSync(space, uid, gid);
  await queryDatabase({ url: adminUrl }, `CREATE TABLESPACE small LOCATION '${space}'`);
  return {
    adminUrl,
    fill: disk.fill,
    free: disk.free,
    async database(database, existing = false) {
      const how = existing
        ? `ALTER DATABASE ${database} SET TABLESPACE small`
        : `CREATE DATABASE ${database} TABLESPACE small`;
      await queryDatabase({ url: adminUrl }, how);
      return { url: postgres.url(database) };
    },
    async end() {
      await postgres.stop();
      disk.end();
      const elsewhere = readJson(join(folder, "location.json"))?.folder;
      for (const made of [base, elsewhere]) if (made) rmSync(made, { recursive: true, force: true });
    },
  };
}
