/**
 * The circuit breaker of a connection, shared by all workers. It opens when a run met a passing failure and a check finds
 * the system down; then runs wait without costing an attempt, and only the probe asks. A check that succeeds closes it.
 */
import type pg from "pg";
import { type FailureInfo, failureOf } from "../../../connectors/sdk/errors.ts";
import type { ConnectorSession } from "../../../connectors/sdk/types.ts";
import { asksForTime } from "../../../engine/run/retry.ts";
import type { Connection } from "../../db/generated/client.ts";
import { LIVE_CHANNEL } from "../../db/listen.ts";
import { inTransaction } from "../../db/run-store/lease.ts";
import { enqueueRuns } from "../../jobs/enqueue.ts";
import { within } from "../limit.ts";

type Named = Pick<Connection, "id" | "name" | "workspaceId">;

const CHECK_LIMIT_MS = 8_000;
const FIRST_PROBE_S = 3;
/** What is back is noticed within half a minute, however long it was away. */
const LONGEST_PROBE_S = 25;

/** 3, 6, 12, 24, 25 s, ± 10 %, by the number of probes so far. */
const NEXT_PROBE = (probes: string) =>
  `now() + least(${LONGEST_PROBE_S}, ${FIRST_PROBE_S} * 2 ^ least(10, ${probes})) * (0.9 + random() / 5) * interval '1 second'`;

/** Does this failure leave open whether the system is up? What was refused, or limited, was answered. */
const inDoubt = (failure: FailureInfo) =>
  failure.kind === "transient" && asksForTime(failure) === undefined && !ANSWERED.has(failure.code);
const ANSWERED = new Set(["rate-limited", "stopped"]);

/**
 * Whether the system is down, now that a call of it failed in this way; opens the circuit if so.
 *
 * @returns true: nobody should ask it until the probe says so; the run waits
 */
export async function isDown(
  pool: pg.Pool,
  connection: Named,
  session: ConnectorSession,
  failure: FailureInfo,
): Promise<boolean> {
  if (!inDoubt(failure)) return false;
  if (await isOpen(pool, connection.id)) return true;
  try {
    await within(connection.name, CHECK_LIMIT_MS, (signal) => session.check(signal));
    return false;
  } catch (error) {
    const found = failureOf(error);
    if (!inDoubt(found)) return false;
    await openCircuit(pool, connection, found.message);
    return true;
  }
}

/** What another worker found is noticed at the latest after so long. */
const FRESH_MS = 500;
const seen = new Map<string, { open: boolean; at: number }>();

/** Whether the circuit is open, as it was at most half a second ago; one look per process, however many runs ask. */
export async function seemsOpen(pool: pg.Pool, connectionId: string): Promise<boolean> {
  const known = seen.get(connectionId);
  if (known && Date.now() - known.at < FRESH_MS) return known.open;
  const open = await isOpen(pool, connectionId);
  seen.set(connectionId, { open, at: Date.now() });
  return open;
}

export async function isOpen(pool: pg.Pool, connectionId: string): Promise<boolean> {
  const { rows } = await pool.query({
    name: "circuit-is-open",
    text: "SELECT 1 FROM connection_guard WHERE connection_id = $1 AND state = 'open'",
    values: [connectionId],
  });
  return rows.length > 0;
}

/** Opens the circuit, once; further failures leave the time of the next probe alone. */
export async function openCircuit(pool: pg.Pool, { id, workspaceId }: Named, reason: string): Promise<void> {
  await inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `INSERT INTO connection_guard AS g (connection_id, workspace_id, state, opened_at, reason, probes, next_probe_at)
       VALUES ($1, $2, 'open', now(), $3, 0, ${NEXT_PROBE("0")})
       ON CONFLICT (connection_id) DO UPDATE SET state = 'open', opened_at = now(), reason = excluded.reason, probes = 0,
         next_probe_at = excluded.next_probe_at, probing_until = NULL
       WHERE g.state = 'closed'`,
      [id, workspaceId, reason],
    );
    if (rowCount === 1) await mark(client, { id, workspaceId }, "unreachable", reason);
  });
  seen.set(id, { open: true, at: Date.now() });
}

/** Closes the circuit and lets the runs go on that wait for this connection. Safe to call when it is closed. */
export async function closeCircuit(pool: pg.Pool, { id, workspaceId }: Omit<Named, "name">): Promise<string[]> {
  seen.delete(id);
  return await inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `UPDATE connection_guard SET state = 'closed', opened_at = NULL, reason = NULL, probes = 0, next_probe_at = NULL,
         probing_until = NULL WHERE connection_id = $1 AND state = 'open'`,
      [id],
    );
    const { rows } = await client.query<{ id: string }>(
      `UPDATE run SET state = 'queued', wait_reason = NULL, resume_at = NULL
       WHERE wait_connection = $1 AND state = 'waiting' AND wait_reason = 'target' RETURNING id::text`,
      [id],
    );
    const runIds = rows.map((run) => run.id);
    await enqueueRuns(client, runIds);
    if (rowCount === 1 || rows.length > 0) await mark(client, { id, workspaceId }, "ok", null);
    return runIds;
  });
}

/** The probe found it still down: the next one comes later. */
export async function probeFailed(pool: pg.Pool, connection: Omit<Named, "name">, reason: string): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query(
      `UPDATE connection_guard SET probes = probes + 1, reason = $2, probing_until = NULL, next_probe_at = ${NEXT_PROBE("probes + 1")}
       WHERE connection_id = $1 AND state = 'open'`,
      [connection.id, reason],
    );
    await mark(client, connection, "unreachable", reason);
  });
}

/** It answers but refuses our credentials: that is no outage; its runs wait for a person. */
export async function refusedCredentials(pool: pg.Pool, connection: Omit<Named, "name">, reason: string) {
  await inTransaction(pool, async (client) => {
    await client.query(
      "UPDATE connection_guard SET state = 'closed', opened_at = NULL, next_probe_at = NULL, probing_until = NULL WHERE connection_id = $1",
      [connection.id],
    );
    await client.query(
      `UPDATE run SET wait_reason = 'credentials', resume_at = NULL, error = jsonb_build_object('code', 'credentials-refused', 'message', $2::text)
       WHERE wait_connection = $1 AND state = 'waiting' AND wait_reason = 'target'`,
      [connection.id, reason],
    );
    await mark(client, connection, "refused", reason);
  });
}

async function mark(
  client: pg.ClientBase,
  { id, workspaceId }: Omit<Named, "name">,
  state: "ok" | "unreachable" | "refused",
  message: string | null,
): Promise<void> {
  await client.query(
    "UPDATE connection SET state = $3, state_message = $4, checked_at = now() WHERE id = $1 AND workspace_id = $2",
    [id, workspaceId, state, message],
  );
  const event = { ws: workspaceId, type: "connection", connectionId: id };
  await client.query("SELECT pg_notify($1, $2)", [LIVE_CHANNEL, JSON.stringify(event)]);
}
