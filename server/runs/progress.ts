/** Tells the screens how a run stands, at most a few times a second while it works and always at its end. */
import type pg from "pg";
import { LIVE_CHANNEL } from "../db/listen.ts";
import { logUnexpected } from "../log.ts";
import { HELD } from "./run-row.ts";

const EVERY_MS = 250;

const COUNTS = `json_build_object('read', r.read + ${HELD}, 'created', r.created, 'updated', r.updated, 'deleted', r.deleted,
  'unchanged', r.unchanged, 'filtered', r.filtered, 'duplicate', r.duplicate, 'dead', r.dead, 'held', r.held + ${HELD},
  'restored', r.restored, 'conflict', r.conflict, 'failed', r.failed)`;

// NOTIFY takes at most 8,000 bytes: with many steps the screen reads them itself
const NOTIFY = `
  WITH steps AS (SELECT json_agg(json_build_object('id', step_id, 'in', "in", 'made', made, 'out', "out", 'joined', joined, 'created', created, 'updated', updated,
      'deleted', deleted, 'unchanged', unchanged, 'filtered', filtered, 'duplicate', duplicate, 'dead', dead, 'held', held,
      'ports', ports)) AS list FROM run_step WHERE run_id = $1::bigint)
  SELECT pg_notify($2, jsonb_strip_nulls(jsonb_build_object('ws', r.workspace_id, 'type', 'run', 'runId', r.id::text,
    'flowId', r.flow_id, 'state', r.state, 'counts', ${COUNTS},
    'steps', CASE WHEN length(steps.list::text) < 6500 THEN steps.list::jsonb END))::text)
  FROM run r, steps WHERE r.id = $1::bigint`;

export async function notifyProgress(pool: pg.Pool, runId: string): Promise<void> {
  await pool.query({ name: "run-progress", text: NOTIFY, values: [runId, LIVE_CHANNEL] });
}

/** A throttled teller for one run. */
export function progressTeller(pool: pg.Pool, runId: string): (final: boolean) => void {
  let toldAt = 0;
  return (final) => {
    const now = Date.now();
    if (!final && now - toldAt < EVERY_MS) return;
    toldAt = now;
    notifyProgress(pool, runId).catch((error: unknown) => logUnexpected(error, { run: runId }));
  };
}
