/**
 * The stretches of a run (docs/decisions/0008): each has a hold and a checkpoint of its own; counters, dead letters and the
 * end belong to the run. While one of them is at work the run is running. One that must wait or fails leaves word
 * (`ending`), the others halt at their next page, and the last to leave carries it out. Locks are taken in one order: the
 * stretch, then the run, the run's as late as possible.
 */
import type pg from "pg";
import {
  type Checkpoint,
  type CheckpointReply,
  LeaseLost,
  type RunFailure,
  type RunStore,
  type RunWait,
  type WaitReason,
} from "../../../engine/ports.ts";
import { finish, type Totals } from "../../../engine/run/run-pages.ts";
import { enqueueRun } from "../../jobs/enqueue.ts";
import { storableJson } from "../storable.ts";
import { isPlain, storeRest, tell } from "./checkpoint.ts";
import { addSteps, COUNTERS, SUMS } from "./counters.ts";
import { closeParts, markConnection, unlessBack, waitingRecords } from "./end.ts";
import { closeHalfPage } from "./half-page.ts";
import { holdLease, inTransaction, type Lease, PAGES_PER_STRETCH, type Stretch } from "./lease.ts";
import { afterFinish } from "./run-end.ts";

/** How a stretch wants the run to go on. */
type Ending =
  | { kind: "wait"; reason: WaitReason; resumeAt: string | null; failure: RunFailure; connection?: string }
  | { kind: "finish"; state: "failed" | "cancelled"; error?: RunFailure; connection?: string };

/** SQL: a worker died in the middle of a page of this stretch, and nobody knows yet what has arrived. */
export const HALF_SENT = (s: string) => `EXISTS (SELECT FROM sending_page p
  WHERE p.run_id = ${s}.run_id AND p.page >= ${s}.first_page AND p.page < ${s}.first_page + ${PAGES_PER_STRETCH})`;

const HELD = "run_id = $1::bigint AND number = $4::int AND lease_token = $2::int AND state = 'running'";

/** $1 run, $2 token, $3 counters, $4 stretch, $5 next page, $6 cursor, $7 next state, $8 steps */
const CHECKPOINT = `
  WITH c AS (SELECT $3::jsonb AS d),
  mine AS (UPDATE run_stretch SET page = $5::int, cursor = $6::jsonb, state = $7, failures = 0, failing_since = NULL,
      lease_worker = CASE WHEN $7 = 'running' THEN lease_worker END, updated_at = now()
    WHERE ${HELD} RETURNING first_page),
  sent AS (DELETE FROM sending_page s USING mine WHERE s.run_id = $1::bigint AND s.page >= mine.first_page AND s.page < $5::int),
  counted AS (UPDATE run SET ${SUMS} FROM c, mine WHERE run.id = $1::bigint RETURNING run.stop_request, run.workspace_id),
  stepped AS (${addSteps("counted", "$8")})
  SELECT coalesce(stop_request, CASE WHEN EXISTS (SELECT FROM run_stretch WHERE run_id = $1::bigint AND ending IS NOT NULL)
    THEN 'halt' END) AS stop FROM counted`;

/** @throws LeaseLost when another attempt holds the stretch; then nothing is stored */
export async function storeStretchCheckpoint(
  pool: pg.Pool,
  lease: Lease,
  stretch: Stretch,
  checkpoint: Checkpoint,
): Promise<CheckpointReply> {
  const { after } = checkpoint;
  if (after.kind === "finish") throw new Error("A stretch does not end its run by itself.");
  if (isPlain(checkpoint) && after.kind === "continue") return await count(pool, lease, stretch, checkpoint);
  return await inTransaction(pool, async (client) => {
    await holdLease(client, lease);
    await storeRest(client, lease, checkpoint);
    const reply = await count(client, lease, stretch, checkpoint);
    if (after.kind !== "continue") await leave(client, lease.runId);
    return reply;
  });
}

async function count(
  client: pg.Pool | pg.ClientBase,
  lease: Lease,
  { number }: Stretch,
  { after, counts, steps, page, cursor }: Checkpoint,
): Promise<CheckpointReply> {
  const { rows } = await client.query<CheckpointReply>({
    name: "stretch-checkpoint",
    text: CHECKPOINT,
    values: [
      lease.runId,
      lease.token,
      JSON.stringify(counts),
      number,
      page + 1,
      JSON.stringify(cursor),
      after.kind === "continue" ? "running" : after.kind === "yield" ? "queued" : "done",
      JSON.stringify(Object.entries(steps).map(([id, counted]) => ({ id, ...counted }))),
    ],
  });
  if (!rows[0]) throw new LeaseLost(lease.runId);
  return rows[0];
}

/** The whole run is to wait: for what one stretch waits for, no other could do without either. */
export async function storeStretchWait(pool: pg.Pool, lease: Lease, stretch: Stretch, wait: RunWait): Promise<void> {
  const { reason, resumeAt, failure, connection } = wait;
  await inTransaction(pool, async (client) => {
    const ending: Ending = { kind: "wait", reason, resumeAt: resumeAt?.toISOString() ?? null, failure };
    await giveBack(client, lease, stretch, connection === undefined ? ending : { ...ending, connection });
    if (wait.counted) {
      await client.query(
        `UPDATE run_stretch SET failures = failures + 1, failing_since = coalesce(failing_since, now())
         WHERE run_id = $1 AND number = $2`,
        [lease.runId, stretch.number],
      );
    }
    await closeParts(client, lease, wait.pages);
    const waiting = await waitingRecords(client, lease, wait.pages);
    await client.query("UPDATE run_stretch SET waiting_records = $3 WHERE run_id = $1 AND number = $2", [
      lease.runId,
      stretch.number,
      waiting,
    ]);
    await leave(client, lease.runId);
  });
}

export async function storeStretchFinish(
  pool: pg.Pool,
  lease: Lease,
  stretch: Stretch,
  { pages, ...ending }: Parameters<RunStore["finish"]>[0],
): Promise<void> {
  await inTransaction(pool, async (client) => {
    await giveBack(client, lease, stretch, { kind: "finish", ...ending });
    await closeParts(client, lease, pages);
    await leave(client, lease.runId);
  });
}

/** Gives the stretch back unfinished: any worker may go on with it. */
export async function storeStretchRelease(pool: pg.Pool, lease: Lease, stretch: Stretch): Promise<void> {
  await inTransaction(pool, async (client) => {
    await giveBack(client, lease, stretch, null);
    await leave(client, lease.runId);
  });
}

async function giveBack(client: pg.ClientBase, lease: Lease, { number }: Stretch, ending: Ending | null) {
  const { rowCount } = await client.query(
    `UPDATE run_stretch SET state = 'queued', lease_worker = NULL, ending = $3::jsonb, updated_at = now() WHERE ${HELD}`,
    [lease.runId, lease.token, ending && storableJson(ending), number],
  );
  if (rowCount !== 1) throw new LeaseLost(lease.runId);
}

type LeftRun = Omit<Lease, "token" | "runId"> & {
  id: string;
  stop: "cancel" | "pause" | null;
  paused: boolean;
  totals: Totals;
};

const LEFT_RUN = `SELECT r.id::text, r.workspace_id AS "workspaceId", r.flow_id AS "flowId", r.version, r.kind, r.mode,
    r.stop_request AS stop, coalesce((SELECT f.paused FROM flow f WHERE f.id = r.flow_id), false) AS paused,
    jsonb_build_object(${COUNTERS.map((name) => `'${name}', r.${name}`).join(", ")}) AS totals
  FROM run r WHERE r.id = $1 AND r.state = 'running' AND r.stretches IS NOT NULL FOR UPDATE OF r`;

/**
 * To be called whenever a stretch is not at work any more, in the same transaction. When it was the last one the run ends, or
 * waits, as the stretches left word.
 */
export async function leave(client: pg.PoolClient, runId: string): Promise<void> {
  // the lock lets one leave after the other, so that the last one sees that it is the last
  const { rows: runs } = await client.query<LeftRun>(LEFT_RUN, [runId]);
  const run = runs[0];
  if (!run) return;
  const { rows } = await client.query<{
    working: number;
    open: number;
    unknown: number;
    waiting: number;
    endings: Ending[];
  }>(
    `SELECT count(*) FILTER (WHERE state = 'running')::int AS working, count(*) FILTER (WHERE state <> 'done')::int AS open,
       count(*) FILTER (WHERE state = 'queued' AND ending IS NULL AND ${HALF_SENT("s")})::int AS unknown,
       sum(waiting_records)::int AS waiting, coalesce(json_agg(ending) FILTER (WHERE ending IS NOT NULL), '[]') AS endings
     FROM run_stretch s WHERE run_id = $1`,
    [runId],
  );
  const { working, open, unknown, waiting, endings } = rows[0]!;
  if (working > 0) return;
  const lease: Lease = { ...run, runId: run.id, token: 0 };
  if (open === 0) {
    const end = finish(run.totals);
    if (end.state !== "failed") await client.query(STORE_MARK, [runId]);
    return await endRun(client, lease, end);
  }
  const ending = gravest(endings, run);
  if (!ending) return;
  // what a worker that died had sent is looked up first, by whoever takes that stretch next
  if (ending.kind === "finish") return unknown > 0 ? undefined : await breakOff(client, lease, ending);
  // resumed while the last pages were under way: nothing is to be done any more
  if (ending.reason === "paused" && !run.paused) return await goOn(client, runId);
  await waitFor(client, lease, ending, waiting);
}

/** A divided first load moves the watermark when all of it is done, to where it stood before anything was read. */
const STORE_MARK = `INSERT INTO flow_position (flow_id, step_id, workspace_id, watermark, run_id, updated_at)
  SELECT flow_id, mark ->> 'step', workspace_id, mark -> 'value', id, now() FROM run
  WHERE id = $1 AND mark IS NOT NULL AND mark -> 'value' <> 'null'::jsonb
  ON CONFLICT (flow_id, step_id) DO UPDATE SET watermark = excluded.watermark, run_id = excluded.run_id, updated_at = now()`;

const goOn = async (client: pg.ClientBase, runId: string) =>
  void (await client.query("UPDATE run_stretch SET ending = NULL, waiting_records = 0 WHERE run_id = $1", [runId]));

const GRAVITY: { [reason in WaitReason]: number } = {
  retry: 1,
  target: 2,
  "flow-busy": 2,
  stopped: 3,
  credentials: 3,
  paused: 4,
};

/** Of several endings the one that asks for most: a failed run does not wait, and a person's wish comes before an outage. */
function gravest(endings: Ending[], { stop, paused }: LeftRun): Ending | undefined {
  const all = [...endings];
  if (stop === "cancel") all.push({ kind: "finish", state: "cancelled" });
  if (stop === "pause" && paused) all.push(PAUSED);
  const gravity = (ending: Ending) =>
    ending.kind === "wait" ? GRAVITY[ending.reason] : ending.state === "cancelled" ? 5 : 6;
  const until = (ending: Ending) => (ending.kind === "wait" ? (ending.resumeAt ?? "") : "");
  all.sort((a, b) => gravity(b) - gravity(a) || (until(a) < until(b) ? 1 : -1));
  return all[0];
}

const PAUSED: Ending = {
  kind: "wait",
  reason: "paused",
  resumeAt: null,
  failure: {
    code: "paused",
    message: "The flow is paused. The run goes on where it stopped once the flow is resumed.",
  },
};

async function waitFor(
  client: pg.PoolClient,
  lease: Lease,
  { reason, resumeAt, failure, connection }: Extract<Ending, { kind: "wait" }>,
  waiting: number,
): Promise<void> {
  await client.query(
    `UPDATE run SET state = 'waiting', wait_reason = $2, resume_at = $3, error = $4, stop_request = NULL, waiting_records = $6,
       wait_connection = (SELECT c.id FROM connection c WHERE c.workspace_id = run.workspace_id AND c.name = $5)
     WHERE id = $1`,
    [lease.runId, reason, resumeAt, storableJson(failure), connection ?? null, waiting],
  );
  if (reason === "credentials") await markConnection(client, lease, connection, "refused", failure);
  if (reason === "retry") await markConnection(client, lease, connection, "unreachable", failure);
  if (reason === "target") await unlessBack(client, lease);
  if (resumeAt !== null) await enqueueRun(client, lease.runId, new Date(resumeAt));
}

async function breakOff(
  client: pg.PoolClient,
  lease: Lease,
  { state, error, connection }: Extract<Ending, { kind: "finish" }>,
): Promise<void> {
  const { rows } = await client.query<Stretch>(
    `SELECT number, first_page AS "firstPage" FROM run_stretch WHERE run_id = $1 ORDER BY number`,
    [lease.runId],
  );
  for (const stretch of rows) await closeHalfPage(client, { ...lease, stretch });
  if (error?.code.includes("credentials")) await markConnection(client, lease, connection, "refused", error);
  await endRun(client, lease, { state, ...(error ? { error } : {}) });
  await tell(client, lease, { type: "letters", flowId: lease.flowId });
}

async function endRun(
  client: pg.PoolClient,
  lease: Lease,
  { state, error }: { state: string; error?: RunFailure },
): Promise<void> {
  await client.query(
    `UPDATE run SET state = $2, error = $3, finished_at = now(), slot = NULL, wait_reason = NULL, resume_at = NULL,
       waiting_records = 0 WHERE id = $1`,
    [lease.runId, state, error ? storableJson(error) : null],
  );
  await client.query("DELETE FROM run_stretch WHERE run_id = $1", [lease.runId]);
  await afterFinish(client, lease);
}
