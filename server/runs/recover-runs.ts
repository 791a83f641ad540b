/** Takes over what a dead worker left, and wakes runs that nothing else would wake. */
import type pg from "pg";
import { inTransaction } from "../db/run-store/lease.ts";
import { enqueueRuns } from "../jobs/enqueue.ts";
import { DEAD_AFTER_MS } from "../processes/presence.ts";
import { recoverStretches } from "./claim-stretch.ts";

const SWEEP_LOCK = 7264002;

export type Recovered = { deadWorkers: { id: string; poolIds: string[] }[]; runs: string[] };

/**
 * One sweep; only one process of all sweeps at a time (the others return at once).
 *
 * @returns the workers found dead, whose queue jobs the caller unlocks, and the runs that were enqueued again
 */
export async function recoverRuns(pool: pg.Pool): Promise<Recovered> {
  return await inTransaction(pool, async (client) => {
    const { rows: lock } = await client.query<{ mine: boolean }>("SELECT pg_try_advisory_xact_lock($1) AS mine", [
      SWEEP_LOCK,
    ]);
    if (!lock[0]?.mine) return { deadWorkers: [], runs: [] };
    // one that was seen in the future was seen before the clock was set back: the living say so again within seconds
    const dead = await client.query<{ id: string; poolIds: string[] }>(
      `DELETE FROM process WHERE seen_at NOT BETWEEN now() - $1::float8 * interval '1 millisecond'
         AND now() + $1::float8 * interval '1 millisecond' RETURNING id, pool_ids AS "poolIds"`,
      [DEAD_AFTER_MS],
    );
    // Jobs nobody alive has: told from the locks themselves, as whoever found a worker dead may have died before it could
    // unlock its jobs, and a worker may have died before it said which locks are its own.
    await client.query(
      `SELECT graphile_worker.force_unlock_workers(array_agg(DISTINCT j.locked_by)) FROM graphile_worker.jobs j
       WHERE j.locked_at < now() - $1::float8 * interval '1 millisecond'
         AND NOT EXISTS (SELECT FROM process p WHERE j.locked_by = ANY(p.pool_ids))
       HAVING count(*) > 0`,
      [DEAD_AFTER_MS],
    );
    // a worker that is gone, or that came back under another id, holds nothing
    const orphans = await client.query<{ id: string }>(
      `UPDATE run r SET state = 'queued', lease_worker = NULL, lease_token = lease_token + 1
       WHERE state = 'running' AND stretches IS NULL AND NOT EXISTS (SELECT FROM process p WHERE p.id = r.lease_worker)
       RETURNING id::text`,
    );
    await recoverStretches(client);
    // its flow is free: the run that should have woken it died in between
    const idle = await client.query<{ id: string }>(
      `UPDATE run SET state = 'queued', wait_reason = NULL WHERE id IN (
         SELECT min(r.id) FROM run r WHERE r.state = 'waiting' AND r.wait_reason = 'flow-busy'
           AND NOT EXISTS (SELECT FROM run s WHERE s.slot = r.flow_id) GROUP BY r.flow_id) RETURNING id::text`,
    );
    const overdue = await client.query<{ id: string }>(
      `SELECT id::text FROM run WHERE (state = 'waiting' AND resume_at < now() - interval '20 seconds')
         OR (state = 'queued' AND created_at < now() - interval '20 seconds' AND lease_worker IS NULL
           AND NOT EXISTS (SELECT FROM graphile_worker.jobs j WHERE j.key = 'run:' || run.id)
           AND coalesce((SELECT updated_at FROM checkpoint c WHERE c.run_id = run.id), created_at) < now() - interval '20 seconds')`,
    );
    const runs = [...new Set([...orphans.rows, ...idle.rows, ...overdue.rows].map(({ id }) => id))];
    await enqueueRuns(client, runs);
    return { deadWorkers: dead.rows, runs };
  });
}

/** Runs this worker holds by the database but is not working on (an outage ended the attempt): given back. */
export async function releaseAbandoned(pool: pg.Pool, workerId: string, active: ReadonlySet<string>): Promise<void> {
  await inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `UPDATE run SET state = 'queued', lease_worker = NULL, lease_token = lease_token + 1
       WHERE state = 'running' AND lease_worker = $1 AND NOT (id::text = ANY($2)) RETURNING id::text`,
      [workerId, [...active]],
    );
    await enqueueRuns(
      client,
      rows.map(({ id }) => id),
    );
  });
}
