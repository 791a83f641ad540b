/**
 * Tells attempts at work in this process that somebody wants their run to stop. Between two pages they find out by themselves;
 * this is for pages that take long.
 */
import type pg from "pg";
import { log } from "../log.ts";

const LOOK_EVERY_MS = 1_000;
/** A page that is through by then ends whole. */
const GRACE_MS = 2_000;

type Watched = { halts: Set<AbortController>; wishedAt?: number };

const watches = new WeakMap<pg.Pool, Map<string, Watched>>();

/** @returns `halt`, aborted two to three seconds after somebody asked the run to stop; call `end` when the attempt is over */
export function watchStop(pool: pg.Pool, runId: string): { halt: AbortSignal; end(): void } {
  let watched = watches.get(pool);
  if (!watched) {
    watched = new Map();
    watches.set(pool, watched);
    startLooking(pool, watched);
  }
  const runs = watched;
  const run = runs.get(runId) ?? { halts: new Set() };
  runs.set(runId, run);
  const controller = new AbortController();
  run.halts.add(controller);
  return {
    halt: controller.signal,
    end() {
      run.halts.delete(controller);
      if (run.halts.size === 0) runs.delete(runId);
    },
  };
}

function startLooking(pool: pg.Pool, runs: Map<string, Watched>): void {
  let busy = false;
  const timer = setInterval(async () => {
    if (busy || runs.size === 0) return;
    busy = true;
    try {
      await look(pool, runs);
    } catch (error) {
      log.warn({ err: error }, `Looking for runs to stop failed; next try in ${LOOK_EVERY_MS} ms`);
    } finally {
      busy = false;
    }
  }, LOOK_EVERY_MS);
  timer.unref();
}

async function look(pool: pg.Pool, runs: Map<string, Watched>): Promise<void> {
  const { rows } = await pool.query<{ id: string }>({
    name: "runs-to-stop",
    text: "SELECT id::text FROM run WHERE id = ANY($1::bigint[]) AND stop_request IS NOT NULL",
    values: [[...runs.keys()]],
  });
  const wished = new Set(rows.map(({ id }) => id));
  for (const [id, run] of runs) {
    if (!wished.has(id)) delete run.wishedAt;
    else if (run.wishedAt === undefined) run.wishedAt = performance.now();
    else if (performance.now() - run.wishedAt >= GRACE_MS) for (const halt of run.halts) halt.abort();
  }
}
