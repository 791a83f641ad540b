/** Sessions for the statements that runs of a process share (together.ts). */
import { sessionsBeside } from "./beside.ts";

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

export const lanesOf = sessionsBeside({ most: MOST, begin: BY_INDEX });
