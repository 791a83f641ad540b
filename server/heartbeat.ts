import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Database } from "./db/prisma.ts";
import { log } from "./log.ts";
import { version } from "./version.ts";

const everyMs = 5_000;

export type Heartbeat = { id: string; stop(): Promise<void> };

/**
 * Enters this process in the table `process` and says every 5 s that it is alive. A database that is away for a while is
 * waited for.
 *
 * @returns `stop` takes it out again
 */
export async function startHeartbeat({ pool }: Pick<Database, "pool">, role: "web" | "worker"): Promise<Heartbeat> {
  const id = `${role}_${process.pid}_${randomBytes(5).toString("hex")}`;
  const beat = () =>
    pool.query(
      `insert into process (id, role, pid, host, version, pool_ids) values ($1, $2, $3, $4, $5, '{}')
       on conflict (id) do update set seen_at = now()`,
      [id, role, process.pid, hostname(), version],
    );
  await beat();
  const timer = setInterval(() => {
    beat().catch((error) => log.warn({ reason: String(error) }, "could not say that this process is alive"));
  }, everyMs);
  timer.unref();
  return {
    id,
    async stop() {
      clearInterval(timer);
      await pool.query("delete from process where id = $1", [id]).catch(() => {});
    },
  };
}
