/** Tells the screens how a run stands, at most a few times a second while it works and always at its end. */
import type pg from "pg";
import { softOf } from "../db/beside.ts";
import { LIVE_CHANNEL } from "../db/listen.ts";
import { logUnexpected } from "../log.ts";
import { HELD } from "./run-row.ts";

const EVERY_MS = 250;

const COUNTS = `json_build_object('read', r.read + ${HELD}, 'created', r.created, 'updated', r.updated, 'deleted', r.deleted,
  'unchanged', r.unchanged, 'filtered', r.filtered, 'duplicate', r.duplicate, 'dead', r.dead, 'held', r.held + ${HELD},
  'restored', r.restored, 'conflict', r.conflict, 'failed', r.failed)`;

// NOTIFY takes at most 8,000 bytes: with many steps the screen reads them itself
const NOTIFY = `
  SELECT pg_notify($2, jsonb_strip_nulls(jsonb_build_object('ws', r.workspace_id, 'type', 'run', 'runId', r.id::text,
    'flowId', r.flow_id, 'state', r.state, 'counts', ${COUNTS},
    'steps', CASE WHEN length(steps.list::text) < 6500 THEN steps.list::jsonb END))::text)
  FROM run r, LATERAL (SELECT CASE WHEN r.steps IS NOT NULL THEN r.steps::json ELSE (SELECT json_agg(json_build_object('id', step_id, 'in', "in", 'made', made, 'out', "out", 'joined', joined,
      'created', created, 'updated', updated, 'deleted', deleted, 'unchanged', unchanged, 'filtered', filtered,
      'duplicate', duplicate, 'dead', dead, 'held', held, 'ports', ports))
    FROM run_step WHERE run_id = r.id) END AS list) AS steps WHERE r.id = ANY($1::bigint[])`;

export async function notifyProgress(pool: pg.Pool, runIds: string[]): Promise<void> {
  await softOf(pool).query({ name: "run-progress", text: NOTIFY, values: [runIds, LIVE_CHANNEL] });
}

/** Runs of a process that move at about the same time are told of together; a tiny run is over before its beginning is told. */
const TOGETHER_MS = 100;
const toTell = new WeakMap<pg.Pool, Set<string>>();

function tellSoon(pool: pg.Pool, runId: string): void {
  const waiting = toTell.get(pool);
  if (waiting) return void waiting.add(runId);
  const runIds = new Set([runId]);
  toTell.set(pool, runIds);
  setTimeout(() => {
    toTell.delete(pool);
    if (pool.ended) return;
    notifyProgress(pool, [...runIds]).catch((error: unknown) => logUnexpected(error, { runs: [...runIds].join(" ") }));
  }, TOGETHER_MS);
}

/** A throttled teller for one run. */
export function progressTeller(pool: pg.Pool, runId: string): (final: boolean) => void {
  let toldAt = 0;
  return (final) => {
    const now = Date.now();
    if (!final && now - toldAt < EVERY_MS) return;
    toldAt = now;
    tellSoon(pool, runId);
  };
}
