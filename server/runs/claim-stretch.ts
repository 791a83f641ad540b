/** Takes hold of a stretch of a divided run, for one attempt, and takes back those whose worker is gone. */
import type pg from "pg";
import type { Json } from "../../connectors/sdk/types.ts";
import type { ClaimedRun } from "../db/run-store/claimed-run.ts";
import { TOTALS } from "../db/run-store/claimed-run.ts";
import { inTransaction } from "../db/run-store/lease.ts";
import { HALF_SENT, leave } from "../db/run-store/stretches.ts";

export type ClaimedStretch = ClaimedRun & { range: Json };

type StretchRow = {
  runId: string;
  number: number;
  range: Json;
  token: number;
  attempt: number;
  failures: number;
  failingSince: Date | null;
  firstPage: number;
  page: number;
  cursor: Json;
};

type RunRow = Pick<ClaimedRun["lease"], "workspaceId" | "flowId" | "version" | "kind" | "mode"> &
  Pick<ClaimedRun, "document" | "request" | "stopRequest" | "parentId" | "trigger" | "startedAt" | "totals">;

/** The run is to end early, and only waits for what is known of half-sent pages. */
const BREAKS_OFF = (run: string) =>
  `EXISTS (SELECT FROM run_stretch b WHERE b.run_id = ${run} AND b.ending->>'kind' = 'finish')`;

/** $1 worker, $2 runs to leave alone, $3 runs in the order they were last worked on here */
const TAKE = `
  WITH free AS MATERIALIZED (SELECT s.run_id, s.number FROM run_stretch s JOIN run r ON r.id = s.run_id AND r.state = 'running'
    WHERE s.state = 'queued' AND NOT s.run_id = ANY($2::bigint[])
      AND (NOT EXISTS (SELECT FROM run_stretch e WHERE e.run_id = s.run_id AND e.ending IS NOT NULL)
        OR (s.ending IS NULL AND ${HALF_SENT("s")} AND ${BREAKS_OFF("s.run_id")}))
    ORDER BY array_position($3::bigint[], s.run_id) NULLS FIRST, s.run_id, s.number LIMIT 1 FOR UPDATE OF s SKIP LOCKED)
  UPDATE run_stretch s SET state = 'running', lease_worker = $1, lease_token = s.lease_token + 1, attempt = s.attempt + 1,
    updated_at = now()
  FROM free WHERE s.run_id = free.run_id AND s.number = free.number
  RETURNING s.run_id::text AS "runId", s.number, s.range, s.lease_token AS token, s.attempt, s.failures,
    s.failing_since AS "failingSince", s.first_page AS "firstPage", s.page, s.cursor`;

/** The run must still be running: whoever ends it or makes it wait holds its row. */
const OF_RUN = `SELECT r.workspace_id AS "workspaceId", r.flow_id AS "flowId", r.version, r.kind, r.mode,
    r.document, r.request,
    CASE WHEN ${BREAKS_OFF("r.id")} THEN 'cancel' ELSE r.stop_request END AS "stopRequest", r.parent_id::text AS "parentId",
    r.trigger, r.started_at AS "startedAt", ${TOTALS} AS totals
  FROM run r WHERE r.id = $1 AND r.state = 'running' FOR SHARE OF r`;

class NotRunning extends Error {}

/**
 * The next stretch that nobody works on, of the run that was worked on longest ago.
 *
 * @param busy runs this worker works on enough already
 * @param recent runs in the order this worker last worked on them
 * @returns null when there is none
 */
export async function claimStretch(
  pool: pg.Pool,
  workerId: string,
  { busy, recent }: { busy: string[]; recent: string[] },
): Promise<ClaimedStretch | null> {
  try {
    return await inTransaction(pool, async (client) => {
      const taken = await client.query<StretchRow>({
        name: "stretch-take",
        text: TAKE,
        values: [workerId, busy, recent],
      });
      const stretch = taken.rows[0];
      if (!stretch) return null;
      const of = await client.query<RunRow>(OF_RUN, [stretch.runId]);
      const run = of.rows[0];
      if (!run) throw new NotRunning();
      const { runId, number, firstPage, token, page, cursor, range, attempt, failures, failingSince } = stretch;
      const { workspaceId, flowId, version, kind, mode, ...rest } = run;
      return {
        ...rest,
        ...{ range, attempt, failures, failingSince },
        lease: { runId, token, workspaceId, flowId, version, kind, mode, stretch: { number, firstPage } },
        checkpoint: { page, cursor, memory: {} },
        openLetters: true, // it is looked up whether there are any: a stretch is long
        stretches: null,
      };
    });
  } catch (error) {
    if (error instanceof NotRunning) return null; // it ended or began to wait at this very moment
    throw error;
  }
}

const TAKE_BACK = "SET state = 'queued', lease_worker = NULL, lease_token = lease_token + 1 WHERE state = 'running'";

/** Gives stretches back to all workers whose own worker is gone; a run whose last stretch that was ends as they left word. */
export async function recoverStretches(client: pg.PoolClient): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `UPDATE run_stretch ${TAKE_BACK} AND NOT EXISTS (SELECT FROM process p WHERE p.id = lease_worker) RETURNING run_id::text AS id`,
  );
  return await leaveAll(client, rows);
}

/** The same for those this worker holds by the database but is not working on (an outage ended the attempt). */
export async function releaseAbandonedStretches(pool: pg.Pool, workerId: string, active: string[]): Promise<void> {
  await inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `UPDATE run_stretch ${TAKE_BACK} AND lease_worker = $1 AND NOT (run_id || '/' || number = ANY($2::text[]))
       RETURNING run_id::text AS id`,
      [workerId, active],
    );
    await leaveAll(client, rows);
  });
}

async function leaveAll(client: pg.PoolClient, rows: { id: string }[]): Promise<string[]> {
  const ids = [...new Set(rows.map(({ id }) => id))].sort((a, b) => Number(a) - Number(b));
  for (const id of ids) await leave(client, id);
  return ids;
}
