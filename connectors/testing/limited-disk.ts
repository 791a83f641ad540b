/** A PostgreSQL of its own with databases on a small disk that can be filled up: a tablespace on a tmpfs. */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "../../scripts/embedded-postgres.mjs";
import { cacheFolder } from "../../scripts/places.mjs";
import { readJson } from "../../scripts/processes.mjs";
import { queryDatabase } from "./postgres-database.ts";

export type LimitedDisk = {
  /** of the server, as its superuser; its own files lie elsewhere, where there is space */
  adminUrl: string;
  /** moves a database nobody uses to the small disk; without one, makes an empty one there */
  database(name: string, existing?: boolean): Promise<{ url: string }>;
  /** fills the disk up to this many bytes */
  fill(leaveBytes: number): void;
  /** makes the space free again */
  free(): void;
  end(): Promise<void>;
};

/**
 * @param name short name of the test file
 * @returns undefined where no disk can be made: mounting takes root on Linux, and a container may forbid it
 */
export async function limitedDisk(name: string, megabytes: number): Promise<LimitedDisk | undefined> {
  const disk = mkdtempSync(join(tmpdir(), "plumbline-disk-"));
  chmodSync(disk, 0o711);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=0711`, "tmpfs", disk]);
  if (mounted.status !== 0) {
    rmSync(disk, { recursive: true });
    return undefined;
  }
  const base = join(cacheFolder, `${name} disk ${process.pid}`);
  const folder = join(base, "postgres");
  const postgres = await startPostgres({ folder, secretsFolder: join(base, "secrets"), durable: false });
  const { adminUrl } = postgres;
  const space = join(disk, "space");
  mkdirSync(space, { mode: 0o700 });
  const { uid, gid } = statSync(postgres.dataFolder);
  chownSync(space, uid, gid);
  await queryDatabase({ url: adminUrl }, `CREATE TABLESPACE small LOCATION '${space}'`);
  const ballast = join(disk, "ballast");
  return {
    adminUrl,
    async database(database, existing = false) {
      const how = existing
        ? `ALTER DATABASE ${database} SET TABLESPACE small`
        : `CREATE DATABASE ${database} TABLESPACE small`;
      await queryDatabase({ url: adminUrl }, how);
      return { url: postgres.url(database) };
    },
    fill(leaveBytes) {
      const { bavail, bsize } = statfsSync(disk);
      try {
        writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)));
      } catch (error) {
        // whoever else writes there was faster, so it is full now
        if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
      }
    },
    free: () => rmSync(ballast, { force: true }),
    async end() {
      await postgres.stop();
      spawnSync("umount", [disk]);
      const elsewhere = readJson(join(folder, "location.json"))?.folder;
      for (const made of [disk, base, elsewhere]) if (made) rmSync(made, { recursive: true, force: true });
    },
  };
}
