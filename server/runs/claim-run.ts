/** Takes hold of runs for one attempt, by compare-and-set; a flow has one live run at a time (column `slot`). */
import type pg from "pg";
import { statesFor } from "../../engine/run/states.ts";
import { STILL } from "../db/lanes.ts";
import { CLAIMED, type ClaimedRun, type ClaimRow, claimedRun, TAKE } from "../db/run-store/claimed-run.ts";
import { together } from "../db/together.ts";

// Of several runs of a flow one is taken: the one that holds it already, else the oldest. Those whose flow is busy wait.
const CLAIM = `
  WITH asked AS MATERIALIZED (SELECT r.id, q.worker, r.slot, CASE WHEN r.kind = 'flow' AND r.mode = 'live' THEN r.flow_id END AS flow
    FROM unnest($1::bigint[], $2::text[]) AS q(id, worker) JOIN run r ON r.id = q.id
    WHERE r.id = ANY($1) AND r.state = ANY($3) AND (r.state <> 'waiting' OR r.resume_at <= now() + interval '1 second')
      AND NOT EXISTS (SELECT FROM inbox_queue q WHERE q.flow_id = r.flow_id AND q.id = r.id)),
  judged AS MATERIALIZED (SELECT a.id, a.worker, a.flow IS NULL OR (
      row_number() OVER (PARTITION BY a.flow ORDER BY a.slot IS NULL, a.id) = 1
      AND NOT EXISTS (SELECT FROM run s WHERE s.slot = a.flow AND s.id <> a.id)) AS free FROM asked a),
  claimed AS (UPDATE run SET ${TAKE("j.worker")} FROM judged j
    WHERE run.id = ANY($1) AND run.id = j.id AND j.free AND run.state = ANY($3) RETURNING run.*),
  opened AS (UPDATE run_stretch s SET ending = NULL, waiting_records = 0 FROM claimed WHERE s.run_id = claimed.id),
  busy AS (UPDATE run SET state = 'waiting', wait_reason = 'flow-busy', resume_at = NULL
    FROM judged j WHERE run.id = ANY($1) AND run.id = j.id AND NOT j.free AND ${STILL("queued")} RETURNING run.id)
  SELECT ${CLAIMED}, false AS busy FROM claimed r LEFT JOIN checkpoint c ON c.run_id = r.id
  UNION ALL SELECT b.id::text, ${Array.from({ length: 21 }, () => "NULL").join(", ")}, true FROM busy b`;

const UNIQUE_VIOLATION = "23505";

/** `busy`: its flow is, and it waits for that. null: there is nothing to do. */
type Claim = ClaimedRun | "busy" | null;

const claim = together<{ runId: string; workerId: string }, Claim>({
  most: 50,
  async work(lanes, asked) {
    // asked for twice, it is given to the first
    const first = new Map(asked.toReversed().map((one) => [one.runId, one]));
    const wanted = [...first.values()];
    for (let tries = 0; ; tries++) {
      try {
        const { rows } = await lanes.query<ClaimRow & { busy: boolean }>({
          name: "run-claim",
          text: CLAIM,
          values: [wanted.map(({ runId }) => runId), wanted.map(({ workerId }) => workerId), statesFor("claim")],
        });
        const found = new Map(rows.map((row) => [row.runId, row.busy ? ("busy" as const) : claimedRun(row)]));
        return asked.map((one) => (first.get(one.runId) === one && found.get(one.runId)) || null);
      } catch (error) {
        // another worker took one of the flows in this very moment: the next look sees it
        const taken = error instanceof Error && "code" in error && error.code === UNIQUE_VIOLATION;
        if (!taken || tries === 5) throw error;
      }
    }
  },
});

/**
 * The run that kept the flow may have ended just before this one began to wait, too early to wake it. Its end, if it is under
 * way, is waited for by the lock on its row.
 */
const RECONSIDER = `
  WITH holders AS MATERIALIZED (SELECT s.slot FROM run s
    WHERE s.slot IN (SELECT r.flow_id FROM run r WHERE r.id = ANY($1::bigint[])) FOR SHARE OF s)
  UPDATE run SET state = 'queued', wait_reason = NULL
  WHERE id = ANY($1::bigint[]) AND ${STILL("waiting")} AND wait_reason || '' = 'flow-busy' AND flow_id NOT IN (SELECT slot FROM holders)
  RETURNING id::text`;

const reconsider = together<string, boolean>({
  most: 50,
  async work(lanes, ids) {
    const { rows } = await lanes.query<{ id: string }>({ name: "run-reconsider", text: RECONSIDER, values: [ids] });
    const free = new Set(rows.map(({ id }) => id));
    return ids.map((id) => free.has(id));
  },
});

/**
 * @returns null when there is nothing to do: the run ended, is held by another worker, is not due yet, is that of an event
 * that waits (server/events works on those), or its flow is
 * busy with another run (then it waits for that one's end)
 */
export async function claimRun(pool: pg.Pool, runId: string, workerId: string): Promise<ClaimedRun | null> {
  for (;;) {
    const claimed = await claim(pool, { runId, workerId });
    if (claimed !== "busy") return claimed;
    if (!(await reconsider(pool, runId))) return null;
  }
}

/** The document a run goes by. @returns undefined when its version is gone */
export async function documentOf(pool: pg.Pool, run: Pick<ClaimedRun, "document" | "lease">): Promise<unknown> {
  const { flowId, version } = run.lease;
  if (version === null || run.document !== null) return run.document;
  const { rows } = await pool.query<{ document: unknown }>({
    name: "run-document",
    text: "SELECT document FROM flow_version WHERE flow_id = $1 AND version = $2",
    values: [flowId, version],
  });
  return rows[0]?.document;
}
