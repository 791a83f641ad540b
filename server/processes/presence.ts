/** A process shows that it is alive: a row in `process`, touched every few seconds. */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type pg from "pg";
import { log } from "../log.ts";
import { version } from "../version.ts";

const EVERY_MS = 3_000;
/** A process that was silent for so long is taken for dead: its runs are taken over. */
export const DEAD_AFTER_MS = 15_000;

export type Presence = { id: string; stop(): Promise<void> };

/** The process this one was started in place of is dead for certain; nobody needs to wait for its silence. */
async function buryFormer(pool: pg.Pool, role: "web" | "worker"): Promise<void> {
  const pid = Number(process.env.PLUMBLINE_FORMER_PID ?? "");
  if (!Number.isInteger(pid) || pid <= 0) return;
  await pool.query("UPDATE process SET seen_at = to_timestamp(0) WHERE role = $1 AND host = $2 AND pid = $3", [
    role,
    hostname(),
    pid,
  ]);
}

/**
 * Registers this process and keeps its row fresh. An outage of the database is waited out.
 *
 * @param poolIds the queue's worker pools of this process, so that its jobs can be unlocked when it dies
 */
export async function showPresence(
  pool: pg.Pool,
  role: "web" | "worker",
  poolIds: () => string[] = () => [],
): Promise<Presence> {
  const id = `${role}_${randomBytes(8).toString("hex")}`;
  const touch = () =>
    pool.query(
      `INSERT INTO process (id, role, pid, host, version, pool_ids) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (id) DO UPDATE SET seen_at = now(), pool_ids = excluded.pool_ids`,
      [id, role, process.pid, hostname(), version, poolIds()],
    );
  await buryFormer(pool, role);
  await touch();
  let touching: Promise<unknown> | undefined;
  const timer = setInterval(() => {
    if (touching) return;
    touching = touch()
      .catch((error: Error) => log.warn(`The database does not answer (${error.message}); trying again.`))
      .finally(() => {
        touching = undefined;
      });
  }, EVERY_MS);
  return {
    id,
    async stop() {
      clearInterval(timer);
      await touching;
      await pool.query("DELETE FROM process WHERE id = $1", [id]).catch(() => {});
    },
  };
}
