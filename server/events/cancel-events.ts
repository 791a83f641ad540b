/**
 * Cancelling runs of events. The person's side counts the wish on the flow's drain, whereupon a batch that was claimed before
 * sends and settles nothing more; then it ends what was not sent and asks for the rest. The drain's side ends the rest: what
 * was sent is looked up, and counted or handed to a person.
 */
import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import { LeaseLost } from "../../engine/ports.ts";
import { recoverWhatAnswers } from "../../engine/run/recover.ts";
import type { ServerContext } from "../context.ts";
import { Prisma } from "../db/generated/client.ts";
import { LIVE_CHANNEL } from "../db/listen.ts";
import type { Tx } from "../db/prisma.ts";
import { settleHalf } from "../db/run-store/half-page.ts";
import { inTransaction } from "../db/run-store/lease.ts";
import { EVENTS_CHANNEL } from "../intake/inbox.ts";
import { notifyProgress } from "../runs/progress.ts";
import type { EventLease } from "./event-lease.ts";
import { eventRecovery } from "./event-ledger.ts";
import { dropSettledParts } from "./wait-events.ts";
import type { EventsSite } from "./work-on-events.ts";

const sleep = (ms: number, signal: AbortSignal) => setTimeout(ms, undefined, { signal });

/**
 * Lets no batch that was claimed before send or settle any of its events, and gives events nobody has worked on yet their
 * run. Call it before the runs are locked: batches lock in this order too.
 *
 * @returns those of the runs that are of waiting events
 */
export async function holdEvents(tx: Tx, { workspaceId }: ServerContext, runIds: bigint[]): Promise<Set<bigint>> {
  const waiting = Prisma.sql`inbox_event e JOIN inbox_queue q ON q.flow_id = e.flow_id AND q.id = e.id
    WHERE e.id = ANY(${runIds}) AND e.workspace_id = ${workspaceId}`;
  const held = await tx.$queryRaw<unknown[]>`
    INSERT INTO inbox_drain AS d (flow_id, workspace_id, cancels)
    SELECT DISTINCT e.flow_id, e.workspace_id, 1 FROM ${waiting} ORDER BY 1
    ON CONFLICT (flow_id) DO UPDATE SET cancels = d.cancels + 1 RETURNING 1`;
  if (held.length === 0) return new Set();
  const events = await tx.$queryRaw<{ id: bigint }[]>`SELECT e.id FROM ${waiting}`; // settled meanwhile: no longer
  await tx.$executeRaw`${runsOfEvents("queued")} WHERE e.id = ANY(${events.map(({ id }) => id)}) ON CONFLICT (id) DO NOTHING`;
  return new Set(events.map(({ id }) => id));
}

/** Runs of events nobody has worked on yet. */
function runsOfEvents(state: "queued" | "cancelled"): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO run (id, workspace_id, flow_id, version, kind, mode, state, trigger, started_by, attempt, created_at, finished_at)
    SELECT e.id, e.workspace_id, e.flow_id, f.live_version, 'flow', 'live', ${state}, CASE WHEN EXISTS (
        SELECT FROM flow_version v, jsonb_array_elements(v.document->'steps') s
        WHERE v.flow_id = f.id AND v.version = f.live_version AND s->>'kind' = 'event') THEN 'event' ELSE 'webhook' END,
      e.sent_by, 1, e.received_at, CASE WHEN ${state} = 'cancelled' THEN now() END
    FROM inbox_event e JOIN flow f ON f.id = e.flow_id`;
}

/** The same for all events of a flow. */
export async function holdFlowEvents(tx: Tx, flowId: string): Promise<void> {
  await tx.$executeRaw`UPDATE inbox_drain SET cancels = cancels + 1 WHERE flow_id = ${flowId}`;
}

/**
 * Ends all waiting events of a flow that is removed: those nobody has worked on yet have a cancelled run from now on; what
 * was sent of the others, whose runs are asked to stop, is looked up first. Call it after `cancelRuns`.
 */
export async function endFlowEvents(tx: Tx, flowId: string): Promise<void> {
  await tx.$executeRaw`${runsOfEvents("cancelled")}
    WHERE e.flow_id = ${flowId} AND e.id IN (SELECT q.id FROM inbox_queue q WHERE q.flow_id = ${flowId}) ON CONFLICT (id) DO NOTHING`;
  await tx.$executeRaw`DELETE FROM inbox_queue q WHERE q.flow_id = ${flowId}
    AND NOT EXISTS (SELECT FROM run r WHERE r.id = q.id AND r.stop_request = 'cancel' AND r.state = 'queued')`;
}

/** Tells the drains that there are cancelled runs to end. */
export async function wakeCancelled(tx: Tx, runIds: Iterable<bigint>): Promise<void> {
  await tx.$executeRaw`SELECT pg_notify(${EVENTS_CHANNEL}, flow_id) FROM (
    SELECT DISTINCT flow_id FROM inbox_event WHERE id = ANY(${[...runIds]})) flows`;
}

/** Events of a flow that were sent and are not settled: their runs may not simply be forgotten. */
export async function sentEvents(tx: Tx, flowId: string): Promise<bigint[]> {
  const rows = await tx.$queryRaw<{ id: bigint }[]>`
    SELECT DISTINCT q.id FROM inbox_sending s JOIN inbox_queue q ON q.flow_id = s.flow_id AND q.id BETWEEN s.first_run AND s.last_run
    WHERE s.flow_id = ${flowId}`;
  return rows.map(({ id }) => id);
}

/**
 * Ends the runs that were cancelled, up to the time `cancels`: what was sent of them is looked up where that can be done
 * now, the rest goes to a person.
 *
 * @throws LeaseLost; on an outage of our own database
 */
export async function endCancelled(site: EventsSite, cancels: number): Promise<void> {
  const { base, lease, connections, signal } = site;
  const { pool } = base;
  const runs = await cancelledRuns(pool, lease);
  const asked = runs.filter((run) => run.asked);
  if (asked.length > 0) {
    const { connectionById } = connections;
    await recoverWhatAnswers({ store: eventRecovery(pool, lease), connectionById, sleep, signal });
    site.open = null; // of events that are not cancelled nothing is decided yet
  }
  for (const run of asked) await endRun(pool, lease, run);
  await inTransaction(pool, async (client) => {
    await holdDrain(client, lease);
    const gone = runs.filter((run) => !run.asked).map(({ id }) => id);
    await client.query("DELETE FROM inbox_queue WHERE flow_id = $1 AND id = ANY($2::bigint[])", [lease.flowId, gone]);
    await client.query("UPDATE inbox_drain SET cancels_ended = $2 WHERE flow_id = $1", [lease.flowId, cancels]);
  });
  await dropSettledParts(pool, lease);
}

type Cancelled = { id: string; version: number | null; asked: boolean };

/** Those that have ended, and those that were asked to, as they had been sent. */
async function cancelledRuns(pool: pg.Pool, { flowId }: EventLease): Promise<Cancelled[]> {
  const { rows } = await pool.query<Cancelled>(
    `SELECT r.id::text, r.version, r.state <> 'cancelled' AS asked FROM inbox_queue q JOIN run r ON r.id = q.id
     WHERE q.flow_id = $1 AND (r.state = 'cancelled' OR (r.stop_request = 'cancel' AND r.state IN ('queued', 'waiting')))
     ORDER BY q.id`,
    [flowId],
  );
  return rows;
}

/** @throws LeaseLost */
async function holdDrain(client: pg.ClientBase, { flowId, token }: EventLease): Promise<void> {
  const { rowCount } = await client.query(
    "SELECT FROM inbox_drain WHERE flow_id = $1 AND lease_token = $2 FOR UPDATE",
    [flowId, token],
  );
  if (rowCount !== 1) throw new LeaseLost(flowId);
}

async function endRun(pool: pg.Pool, lease: EventLease, { id, version }: Cancelled): Promise<void> {
  const { workspaceId, flowId } = lease;
  await inTransaction(pool, async (client) => {
    await holdDrain(client, lease);
    const owner = { runId: id, workspaceId, flowId, version, kind: "flow", mode: "live" } as const;
    const { counts, steps } = await settleHalf(client, owner, {
      rows: "c.run_id = $1::bigint",
      sending: `EXISTS (SELECT FROM inbox_sending s WHERE s.flow_id = c.flow_id AND s.step_id = c.step_id AND s.part = c.part
        AND c.run_id BETWEEN s.first_run AND s.last_run AND NOT s.landed)`,
      values: [id],
    });
    const { read, created, updated, deleted, dead } = counts;
    const shown = steps.map((step) => ({ ...step, out: 0, ports: {} }));
    await client.query(
      `UPDATE run SET state = 'cancelled', finished_at = now(), wait_reason = NULL, resume_at = NULL, wait_connection = NULL,
         waiting_records = 0, error = NULL, read = $2, created = $3, updated = $4, deleted = $5, dead = $6, steps = $7
       WHERE id = $1 AND state IN ('queued', 'waiting')`,
      [id, read, created, updated, deleted, dead, JSON.stringify(shown)],
    );
    await client.query("DELETE FROM inbox_queue WHERE flow_id = $1 AND id = $2", [flowId, id]);
    if (dead === 0) return;
    const event = { ws: workspaceId, type: "letters", flowId };
    await client.query("SELECT pg_notify($1, $2)", [LIVE_CHANNEL, JSON.stringify(event)]);
  });
  await notifyProgress(pool, [id]);
}
