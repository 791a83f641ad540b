/** Jobs are added here only, through the caller's transaction: no commit, no job. */
import type { PoolClient } from "pg";
import type { Tx } from "../db/prisma.ts";

export type TaskName = "run" | "create-sample-company" | "tick";

export type JobOptions = {
  runAt?: Date;
  /** a waiting job with this key is replaced; while one with it runs, another is made */
  jobKey?: string;
  /** lower goes first; default 0 */
  priority?: number;
  /** tries of the queue itself; our runs count their own attempts, so this only covers an outage of the database */
  maxAttempts?: number;
};

const SQL = `SELECT graphile_worker.add_job(identifier => $1, payload => $2::json, run_at => $3::timestamptz,
  max_attempts => $4::int, job_key => $5, priority => $6::int, job_key_mode => 'replace')`;

/**
 * Adds a job in the transaction of `tx` (Prisma's or pg's). Payloads hold ids, not records.
 *
 * @throws when the queue's schema is absent; `migrateQueue` makes it at every start
 */
export async function enqueue(
  tx: Tx | PoolClient,
  task: TaskName,
  payload: { [name: string]: string | number },
  { runAt, jobKey, priority = 0, maxAttempts = 100 }: JobOptions = {},
): Promise<void> {
  const values = [task, JSON.stringify(payload), runAt?.toISOString() ?? null, maxAttempts, jobKey ?? null, priority];
  if ("$executeRawUnsafe" in tx) {
    // add_job returns a composite row, which the Prisma adapter cannot read: count instead
    await tx.$queryRawUnsafe(`SELECT count(*)::int AS added FROM (${SQL}) AS job`, ...values);
    return;
  }
  await tx.query(SQL, values);
}

/** Adds the job that runs a run, within a statement. @param id SQL of the run's number */
export const runJob = (id: string) =>
  `graphile_worker.add_job(identifier => 'run', payload => json_build_object('runId', ${id}::text),
    max_attempts => 100, job_key => 'run:' || ${id}::text, job_key_mode => 'replace')`;

/** Adds the jobs that run the runs whose numbers `from` has as `id`, within a statement: a row for each. @param from SQL */
export const runJobs = (from: string) => `SELECT FROM graphile_worker.add_jobs(ARRAY(
    SELECT ROW('run', json_build_object('runId', id::text), NULL, NULL, 100, 'run:' || id, NULL, NULL)::graphile_worker.job_spec
    FROM ${from}))`;

/** The same as `enqueueRun` for many at once, which costs the queue little more than one. */
export async function enqueueRuns(tx: PoolClient, runIds: string[]): Promise<void> {
  if (runIds.length > 0) await tx.query(runJobs("unnest($1::bigint[]) AS id"), [runIds]);
}

/** The job that runs a run; its key keeps a run from having two waiting jobs. */
export async function enqueueRun(tx: Tx | PoolClient, runId: string, runAt?: Date): Promise<void> {
  await enqueue(tx, "run", { runId }, { jobKey: `run:${runId}`, ...(runAt ? { runAt } : {}) });
}
