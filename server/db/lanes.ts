/** Sessions for the statements that runs of a process share (together.ts). */
import pg from "pg";

/**
 * Their plans are made once and kept: by estimates of tables that may be empty then and hold millions later, so they must go by
 * the indexes whatever the estimates say.
 */
const BY_INDEX =
  "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";

/**
 * SQL: a row of `run` that is found by its number is still in this state. Said so that the index of states is not taken for finding
 * it: that may hold thousands in the same state, and those that were in it a moment ago.
 */
export const STILL = (state: "queued" | "running" | "waiting") => `run.state || '' = '${state}'`;

/** One statement of a kind is under way at a time, and there are few kinds. */
const MOST = 4;

const lanes = new WeakMap<pg.Pool, pg.Pool>();

/** A few sessions beside those of `pool`, on the same database, that end with it. */
export function lanesOf(pool: pg.Pool): pg.Pool {
  const known = lanes.get(pool);
  if (known) return known;
  const made = new pg.Pool({
    ...pool.options,
    max: MOST,
    idleTimeoutMillis: 30_000,
    allowExitOnIdle: true,
    onConnect: async (client) => void (await client.query(BY_INDEX)),
  });
  made.on("error", () => {});
  made.on("connect", (client) => client.on("error", () => {})); // a client in use: its query reports the loss
  lanes.set(pool, made);
  const end = pool.end.bind(pool) as () => Promise<void>;
  pool.end = (async () => {
    lanes.delete(pool);
    await Promise.all([made.end(), end()]);
  }) as pg.Pool["end"];
  return made;
}
