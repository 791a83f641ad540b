/** One checkpoint: counters, cursor and steps in one statement; what only some pages have, in the same transaction. */
import type pg from "pg";
import { type Checkpoint, type CheckpointReply, LeaseLost } from "../../../engine/ports.ts";
import { enqueueRun } from "../../jobs/enqueue.ts";
import { publishFromFlow } from "../../topics/flow-events.ts";
import { LIVE_CHANNEL } from "../listen.ts";
import { storableJson } from "../storable.ts";
import { addSteps, SUMS } from "./counters.ts";
import { storeGroups } from "./groups.ts";
import { storeContinued, storeHeld } from "./held.ts";
import { byKeysOnly, inTransaction, type Lease } from "./lease.ts";
import { fixLedger } from "./ledger.ts";
import { resolveLetters, settleSeenAgain, storeLetters } from "./letters.ts";
import { releaseParked, storeParked } from "./parked.ts";
import { afterFinish, flowToGoOn, runEnd } from "./run-end.ts";
import { storeStretchCheckpoint } from "./stretches.ts";
import { isWhole, type Succession, storeWhole } from "./whole-run.ts";

/**
 * $1 run, $2 token, $3 counters, $4 next state or null, $5 error, $6 next page, $7 cursor, $8 steps, $9 give the lease
 * back, $10 final
 */
const PARTS = `
  WITH c AS (SELECT $3::jsonb AS d),
  claimed AS (UPDATE run SET ${SUMS}, failures = 0, failing_since = NULL,
      state = coalesce($4, state), error = CASE WHEN $10 THEN $5::jsonb END,
      lease_worker = CASE WHEN $9 THEN NULL ELSE lease_worker END,
      slot = CASE WHEN $10 THEN NULL ELSE slot END,
      finished_at = CASE WHEN $10 THEN now() END
    FROM c WHERE id = $1::bigint AND lease_token = $2::int AND state = 'running'
    RETURNING stop_request, workspace_id),
  saved AS (INSERT INTO checkpoint (workspace_id, run_id, page, cursor, updated_at)
    SELECT workspace_id, $1, $6::int, $7::jsonb, now() FROM claimed
    ON CONFLICT (run_id) DO UPDATE SET page = excluded.page, cursor = excluded.cursor, updated_at = now()),
  stepped AS (${addSteps("claimed", "$8")}),
  sent AS (DELETE FROM sending_page WHERE run_id = $1 AND page < $6::int AND EXISTS (SELECT FROM claimed))`;
const CHECKPOINT = `${PARTS} SELECT stop_request AS stop FROM claimed`;
/** $11 flow whose next run may start */
const LAST = `${PARTS}, ${runEnd("$1", "$11", "EXISTS (SELECT FROM claimed)")}
  SELECT stop_request AS stop, (SELECT count(job.id) FROM job) AS next FROM claimed`;

/** @throws LeaseLost when another attempt holds the run; then nothing is stored */
export async function storeCheckpoint(
  pool: pg.Pool,
  lease: Lease,
  checkpoint: Checkpoint,
  succession?: Succession,
): Promise<CheckpointReply> {
  const { after } = checkpoint;
  if (isWhole(lease, checkpoint, isPlain({ ...checkpoint, watermark: undefined })))
    return await storeWhole(pool, lease, checkpoint, succession);
  if (lease.stretch) return await storeStretchCheckpoint(pool, lease, lease.stretch, checkpoint);
  if (isPlain(checkpoint) && after.kind === "continue") return await storePlain(pool, lease, checkpoint);
  if (isPlain(checkpoint) && after.kind === "finish" && lease.kind === "flow")
    return await storePlain(pool, lease, checkpoint, "last");
  return await inTransaction(pool, async (client) => {
    const reply = await storePlain(client, lease, checkpoint);
    const settled = await storeRest(client, lease, checkpoint);
    if (after.kind === "yield") await enqueueRun(client, lease.runId);
    if (after.kind === "finish") await afterFinish(client, lease);
    return settled ? { ...reply, settled } : reply;
  });
}

/** Everything of a checkpoint but counters, cursor and what follows. */
export async function storeRest(client: pg.PoolClient, lease: Lease, checkpoint: Checkpoint) {
  const settled = checkpoint.groups && (await storeGroups(client, lease, checkpoint.groups));
  await storeLetters(client, lease, checkpoint.letters);
  await resolveLetters(client, lease, checkpoint.resolvedLetters);
  await settleSeenAgain(client, lease, checkpoint.seenAgain ?? []);
  await fixLedger(client, lease, checkpoint.fixes);
  await storeOutcomes(client, lease, checkpoint);
  await storeRemembered(client, lease, checkpoint);
  await storeWatermark(client, lease, checkpoint);
  await markUndone(client, lease, checkpoint);
  if (checkpoint.held) await storeHeld(client, lease, checkpoint.held);
  if (checkpoint.continued) await storeContinued(client, lease, checkpoint.continued);
  if (checkpoint.published && lease.mode === "live") {
    const { runId } = lease;
    await publishFromFlow(
      client,
      lease,
      checkpoint.published.map((event) => ({ ...event, runId })),
    );
  }
  await storeParked(client, lease, checkpoint.parked ?? []);
  await releaseParked(client, lease, checkpoint.released ?? []);
  if (checkpoint.letters.length + checkpoint.resolvedLetters.length + (checkpoint.seenAgain ?? []).length > 0) {
    await tell(client, lease, { type: "letters", flowId: lease.flowId });
  }
  return settled;
}

/** Whether it holds no more than counters and cursor. */
export function isPlain(checkpoint: Checkpoint): boolean {
  return (
    checkpoint.letters.length === 0 &&
    checkpoint.resolvedLetters.length === 0 &&
    checkpoint.seenAgain === undefined &&
    checkpoint.fixes.length === 0 &&
    checkpoint.outcomes.length === 0 &&
    checkpoint.remembered.length === 0 &&
    checkpoint.undone.length === 0 &&
    checkpoint.groups === undefined &&
    checkpoint.published === undefined &&
    checkpoint.held === undefined &&
    checkpoint.continued === undefined &&
    (checkpoint.parked ?? []).length === 0 &&
    (checkpoint.released ?? []).length === 0 &&
    checkpoint.watermark === undefined
  );
}

async function storePlain(
  client: pg.Pool | pg.ClientBase,
  lease: Lease,
  checkpoint: Checkpoint,
  which?: "last",
): Promise<CheckpointReply> {
  const { after } = checkpoint;
  const steps = Object.entries(checkpoint.steps).map(([id, counts]) => ({ id, ...counts }));
  const state = after.kind === "finish" ? after.state : after.kind === "yield" ? "queued" : null;
  const error = after.kind === "finish" && after.error ? storableJson(after.error) : null;
  const { rows } = await client.query<{ stop: "cancel" | "pause" | null }>({
    name: which ? "run-last-checkpoint" : "run-checkpoint",
    text: which ? LAST : CHECKPOINT,
    values: [
      lease.runId,
      lease.token,
      JSON.stringify(checkpoint.counts),
      state,
      error,
      checkpoint.page + 1,
      JSON.stringify(checkpoint.cursor),
      JSON.stringify(steps),
      after.kind !== "continue",
      after.kind === "finish",
      ...(which ? [flowToGoOn(lease)] : []),
    ],
  });
  const reply = rows[0];
  if (!reply) throw new LeaseLost(lease.runId);
  return { stop: reply.stop };
}

async function storeOutcomes(client: pg.ClientBase, lease: Lease, { outcomes }: Checkpoint): Promise<void> {
  for (const { step, outcome, keys } of outcomes) {
    await client.query(
      "INSERT INTO record_outcome (workspace_id, run_id, flow_id, step_id, outcome, keys) VALUES ($1, $2, $3, $4, $5, $6)",
      [lease.workspaceId, lease.runId, lease.flowId, step, outcome, keys],
    );
  }
}

async function storeRemembered(client: pg.ClientBase, lease: Lease, { remembered }: Checkpoint): Promise<void> {
  for (const { step, scope, keys } of remembered) {
    if (lease.mode === "dry" && scope === "forever") {
      // a dry run must leave no trace, yet see its own keys: they live as long as the run
      await insertSeen(client, lease, `dry:${lease.runId}`, step, keys);
      continue;
    }
    await insertSeen(client, lease, scope === "run" ? lease.runId : lease.flowId, step, keys);
  }
}

async function insertSeen(
  client: pg.ClientBase,
  { workspaceId, runId }: Lease,
  scope: string,
  step: string,
  keys: string[],
): Promise<void> {
  await client.query(
    `INSERT INTO seen_key (workspace_id, scope, step_id, key, run_id)
     SELECT $5, $1, $2, k, $4 FROM unnest($3::text[]) AS k ON CONFLICT DO NOTHING`,
    [scope, step, keys, runId, workspaceId],
  );
}

async function storeWatermark(client: pg.ClientBase, lease: Lease, { watermark }: Checkpoint): Promise<void> {
  if (watermark === undefined || lease.mode === "dry") return;
  await client.query(
    `INSERT INTO flow_position (flow_id, step_id, workspace_id, watermark, run_id, updated_at) VALUES ($1, $2, $3, $4::jsonb, $5, now())
     ON CONFLICT (flow_id, step_id) DO UPDATE SET watermark = excluded.watermark, run_id = excluded.run_id, updated_at = now()`,
    [lease.flowId, watermark.step, lease.workspaceId, JSON.stringify(watermark.value), lease.runId],
  );
}

async function markUndone(client: pg.ClientBase, lease: Lease, { undone }: Checkpoint): Promise<void> {
  const own = undone.filter(({ of }) => of === undefined);
  if (own.length > 0)
    await client.query(
      `UPDATE change c SET undo = u.undo FROM unnest($1::bigint[], $2::text[]) AS u(id, undo)
       WHERE c.run_id = (SELECT parent_id FROM run WHERE id = $3) AND c.id = u.id AND c.workspace_id = $4`,
      [own.map(({ id }) => id), own.map(({ undo }) => undo), lease.runId, lease.workspaceId],
    );
  const back = own.filter(({ undo }) => undo === "done").map(({ id }) => id);
  if (back.length > 0) await freeAgain(client, lease, back);
  const others = undone.flatMap(({ id, undo, of }) => (of === undefined ? [] : [{ id, undo, ...of }]));
  if (others.length === 0) return;
  const times = others.map(({ at }) => Date.parse(at));
  await byKeysOnly(client);
  await client.query(
    `UPDATE change c SET undo = u.undo FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS u(id, undo, run)
     WHERE c.run_id = u.run AND c.id = u.id AND c.at >= $4 AND c.at <= $5 AND c.workspace_id = $6`,
    [
      others.map(({ id }) => id),
      others.map(({ undo }) => undo),
      others.map(({ run }) => run),
      new Date(Math.min(...times)),
      new Date(Math.max(...times)),
      lease.workspaceId,
    ],
  );
}

/** Where an undo is put back, what it had put back is there again, and can be undone as before. */
async function freeAgain(client: pg.ClientBase, { runId, workspaceId }: Lease, ids: string[]): Promise<void> {
  const { rows } = await client.query<{ undo: string; first: string }>(
    `SELECT u.id::text AS undo, u.parent_id::text AS first FROM run r JOIN run u ON u.id = r.parent_id
     WHERE r.id = $1 AND u.kind = 'undo' AND u.parent_id IS NOT NULL`,
    [runId],
  );
  if (!rows[0]) return;
  // one step after the other: joined, PostgreSQL compares each change of the one run with each of the other
  const back = await client.query<{ id: string }>(
    "SELECT undoes::text AS id FROM change WHERE run_id = $1 AND id = ANY($2::bigint[]) AND undoes IS NOT NULL",
    [rows[0].undo, ids],
  );
  await client.query(
    `UPDATE change c SET undo = 'possible' FROM unnest($1::bigint[]) AS u(id)
     WHERE c.run_id = $2 AND c.id = u.id AND c.undo = 'done' AND c.workspace_id = $3`,
    [back.rows.map(({ id }) => id), rows[0].first, workspaceId],
  );
}

/** Tells the screens; the payload is small (at most 8,000 bytes go through NOTIFY). */
export async function tell(
  client: pg.Pool | pg.ClientBase,
  lease: Lease,
  event: { [name: string]: unknown },
): Promise<void> {
  await client.query("SELECT pg_notify($1, $2)", [LIVE_CHANNEL, JSON.stringify({ ws: lease.workspaceId, ...event })]);
}
