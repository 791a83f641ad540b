/** A few sessions of their own kind beside those of a pool, on the same database, that end with it. */
import pg from "pg";

/**
 * @param most sessions at a time
 * @param begin SQL each of them begins with
 * @returns the sessions beside a pool, the same ones at every call
 */
export function sessionsBeside({ most, begin }: { most: number; begin: string }): (pool: pg.Pool) => pg.Pool {
  const made = new WeakMap<pg.Pool, pg.Pool>();
  return (pool) => {
    const known = made.get(pool);
    if (known) return known;
    const sessions = new pg.Pool({
      ...pool.options,
      max: most,
      idleTimeoutMillis: 30_000,
      allowExitOnIdle: true,
      onConnect: async (client) => void (await client.query(begin)),
    });
    sessions.on("error", () => {});
    sessions.on("connect", (client) => client.on("error", () => {})); // a client in use: its query reports the loss
    made.set(pool, sessions);
    const end = pool.end.bind(pool) as () => Promise<void>;
    pool.end = (async () => {
      made.delete(pool);
      await Promise.all([sessions.end(), end()]);
    }) as pg.Pool["end"];
    return sessions;
  };
}

/**
 * Sessions whose commits do not wait for the disk. For what may be lost when PostgreSQL crashes, the last moments before it: which
 * jobs of the queue are being worked on (a job that comes again finds its run as the run's own row says), and what screens are told.
 */
export const softOf = sessionsBeside({ most: 4, begin: "SET synchronous_commit = off" });
