/** How an attempt ends other than by its last page: it waits, fails, is cancelled, or gives the run back. */
import type pg from "pg";
import type { HalfPage, RunFailure, RunStore, RunWait } from "../../../engine/ports.ts";
import { enqueueRun } from "../../jobs/enqueue.ts";
import { storableJson } from "../storable.ts";
import { tell } from "./checkpoint.ts";
import { closeHalfPage } from "./half-page.ts";
import { holdLease, inTransaction, type Lease, pageNumbers } from "./lease.ts";
import { fixLedger, NEXT_PAGE } from "./ledger.ts";
import { afterFinish } from "./run-end.ts";

/** Parts whose answers are all known need no recovery any more. */
export async function closeParts(client: pg.ClientBase, lease: Lease, pages: HalfPage[] = []): Promise<void> {
  for (const { number, fixes, unsettled } of pages) {
    await fixLedger(client, lease, fixes);
    await client.query(
      "DELETE FROM sending_page WHERE run_id = $1 AND lease_token = $2 AND page = $3 AND NOT (part = ANY($4::int[]))",
      [lease.runId, lease.token, number, unsettled],
    );
  }
}

/** How many records were read that are neither written nor checkpointed: they are shown as held while the run waits. */
export async function waitingRecords(client: pg.ClientBase, lease: Lease, pages: HalfPage[] = []): Promise<number> {
  if (lease.kind === "undo" || pages.length === 0) return 0;
  const rows = pages.map(({ number, records }) => ({ number, records }));
  const { rows: found } = await client.query<{ waiting: number }>(
    `WITH half AS (SELECT coalesce(sum(p.records), 0) AS records, min(p.number) AS first
       FROM json_to_recordset($2::json) AS p(number int, records int)
       WHERE p.number >= ${NEXT_PAGE("$1", "$3")}),
     landed AS (SELECT count(DISTINCT (c.page, c.origin, coalesce(c.source_key, c.record_key))) AS records FROM change c, half
       WHERE c.run_id = $1::bigint AND c.page >= half.first AND c.page < $4 AND c.state = 'done' AND NOT EXISTS (
         SELECT FROM sending_page s
         WHERE s.run_id = c.run_id AND s.step_id = c.step_id AND s.page = c.page AND s.part = c.part))
     SELECT greatest(0, half.records - landed.records)::int AS waiting FROM half, landed`,
    [lease.runId, JSON.stringify(rows), lease.stretch?.number ?? null, pageNumbers(lease).to],
  );
  return found[0]?.waiting ?? 0;
}

/** The system came back between the failure and now: nobody else would wake the run. */
export async function unlessBack(client: pg.ClientBase, lease: Lease): Promise<void> {
  const { rowCount } = await client.query(
    `SELECT FROM connection_guard g WHERE g.connection_id = (SELECT wait_connection FROM run WHERE id = $1) AND g.state = 'open' FOR SHARE`,
    [lease.runId],
  );
  if (rowCount === 1) return;
  await client.query("UPDATE run SET resume_at = now() WHERE id = $1", [lease.runId]);
  await enqueueRun(client as pg.PoolClient, lease.runId);
}

/** Marks the connection a run waits for or failed on, so that screens and other flows know. */
export async function markConnection(
  client: pg.ClientBase,
  lease: Lease,
  name: string | undefined,
  state: "refused" | "unreachable",
  failure: RunFailure,
): Promise<void> {
  if (name === undefined) return;
  const { rows } = await client.query<{ id: string }>(
    `UPDATE connection SET state = $3, state_message = $4, checked_at = now() WHERE workspace_id = $1 AND name = $2 RETURNING id`,
    [lease.workspaceId, name, state, failure.message],
  );
  for (const { id } of rows) await tell(client, lease, { type: "connection", connectionId: id });
}

/** The run went on after it had waited for a connection: that works again, unless others found that it does not. */
export async function markAnswering(pool: pg.Pool, lease: Lease): Promise<void> {
  const { rows } = await pool.query<{ id: string }>(
    `UPDATE connection c SET state = 'ok', state_message = NULL, checked_at = now() FROM run r
     WHERE r.id = $1 AND r.state IN ('queued', 'running', 'succeeded', 'succeeded_with_errors') AND c.id = r.wait_connection
       AND c.state = 'unreachable' AND NOT EXISTS (SELECT FROM connection_guard g WHERE g.connection_id = c.id AND g.state = 'open')
     RETURNING c.id`,
    [lease.runId],
  );
  for (const { id } of rows) await tell(pool, lease, { type: "connection", connectionId: id });
}

/**
 * Stores that the run waits. A wish of a person that came meanwhile goes first: a cancelled run ends, a paused one waits
 * for being resumed.
 */
export async function storeWait(pool: pg.Pool, lease: Lease, wait: RunWait): Promise<void> {
  await inTransaction(pool, async (client) => {
    const wish = await holdLease(client, lease);
    if (wish === "cancel") return await finishRun(client, lease, { state: "cancelled", pages: wait.pages });
    const { reason, resumeAt } = wish === "pause" ? { reason: "paused" as const, resumeAt: null } : wait;
    await client.query(
      `UPDATE run SET state = 'waiting', wait_reason = $2, resume_at = $3, error = $4, lease_worker = NULL, stop_request = NULL,
         wait_connection = (SELECT c.id FROM connection c WHERE c.workspace_id = run.workspace_id AND c.name = $6),
         failures = failures + $5::int, failing_since = CASE WHEN $5::int = 1 THEN coalesce(failing_since, now()) ELSE failing_since END
       WHERE id = $1`,
      [lease.runId, reason, resumeAt, storableJson(wait.failure), wait.counted ? 1 : 0, wait.connection ?? null],
    );
    await closeParts(client, lease, wait.pages);
    const waiting = await waitingRecords(client, lease, wait.pages);
    await client.query("UPDATE run SET waiting_records = $2 WHERE id = $1", [lease.runId, waiting]);
    if (wait.stoppedAt) {
      await client.query(
        "UPDATE checkpoint SET memory = memory || jsonb_build_object('stoppedAt', $2::jsonb) WHERE run_id = $1",
        [lease.runId, JSON.stringify(wait.stoppedAt)],
      );
      await client.query("UPDATE flow SET paused = true, paused_at = now(), paused_reason = $2 WHERE id = $1", [
        lease.flowId,
        wait.failure.message,
      ]);
      await client.query("UPDATE schedule SET next_run_at = NULL WHERE flow_id = $1", [lease.flowId]);
      await tell(client, lease, { type: "flow", flowId: lease.flowId });
    }
    if (wait.reason === "credentials") await markConnection(client, lease, wait.connection, "refused", wait.failure);
    if (wait.reason === "retry") await markConnection(client, lease, wait.connection, "unreachable", wait.failure);
    if (reason === "target") await unlessBack(client, lease);
    if (resumeAt) await enqueueRun(client, lease.runId, resumeAt);
  });
}

export async function storeFinish(
  pool: pg.Pool,
  lease: Lease,
  finish: Parameters<RunStore["finish"]>[0],
): Promise<void> {
  await inTransaction(pool, async (client) => {
    await holdLease(client, lease);
    await finishRun(client, lease, finish);
  });
}

async function finishRun(
  client: pg.PoolClient,
  lease: Lease,
  { state, error, pages, connection }: Parameters<RunStore["finish"]>[0],
): Promise<void> {
  await closeParts(client, lease, pages);
  await closeHalfPage(client, lease);
  await client.query(
    `UPDATE run SET state = $2, error = $3, finished_at = now(), slot = NULL, lease_worker = NULL, wait_reason = NULL,
       resume_at = NULL, waiting_records = 0 WHERE id = $1`,
    [lease.runId, state, error ? storableJson(error) : null],
  );
  if (error?.code.includes("credentials")) await markConnection(client, lease, connection, "refused", error);
  await afterFinish(client, lease);
  await tell(client, lease, { type: "letters", flowId: lease.flowId });
}

/** Gives the run back unfinished: its continuation is enqueued, another worker goes on from the checkpoint. */
export async function storeRelease(pool: pg.Pool, lease: Lease): Promise<void> {
  await inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      "UPDATE run SET state = 'queued', lease_worker = NULL WHERE id = $1 AND lease_token = $2 AND state = 'running'",
      [lease.runId, lease.token],
    );
    if (rowCount === 1) await enqueueRun(client, lease.runId);
  });
}
