/** The probe: asks systems that are down whether they are back; one worker per connection at a time. */
import { failureOf } from "../../../connectors/sdk/errors.ts";
import type { ConnectorSession } from "../../../connectors/sdk/types.ts";
import type { Connection } from "../../db/generated/client.ts";
import type { Database } from "../../db/prisma.ts";
import { within } from "../limit.ts";
import { openFresh } from "../session-pool.ts";
import { closeCircuit, probeFailed, refusedCredentials } from "./circuit.ts";

const PROBE_LIMIT_MS = 15_000;
/** A worker that died while it probed holds the others up for so long at most. */
const PROBE_LEASE_S = 25;

export type Probed = { connection: string; up: boolean; message?: string; runs: string[] };

/**
 * Asks every system whose time has come. Its row is waited for, not skipped when it is locked: it also holds the pace, which
 * is stored all the time, while another worker's probe holds it only for as long as it takes to say that it probes.
 */
export async function probeDue({ db, pool }: Pick<Database, "db" | "pool">): Promise<Probed[]> {
  const { rows } = await pool.query<{ id: string }>(
    `UPDATE connection_guard SET probing_until = now() + make_interval(secs => $1) WHERE connection_id IN (
       SELECT connection_id FROM connection_guard WHERE state = 'open' AND next_probe_at <= now()
         AND (probing_until IS NULL OR probing_until < now()) ORDER BY next_probe_at, connection_id LIMIT 20 FOR UPDATE)
     RETURNING connection_id AS id`,
    [PROBE_LEASE_S],
  );
  const found = await db.connection.findMany({ where: { id: { in: rows.map(({ id }) => id) } } });
  return await Promise.all(found.map((row) => probe({ pool }, row)));
}

/** Asks one system now and acts on the answer: its runs go on, or the next probe comes later. Never throws for its sake. */
export async function probe({ pool }: Pick<Database, "pool">, row: Connection): Promise<Probed> {
  let session: ConnectorSession | undefined;
  try {
    await within(row.name, PROBE_LIMIT_MS, async (signal) => {
      session = await openFresh(row);
      await session.check(signal);
    });
    return { connection: row.name, up: true, runs: await closeCircuit(pool, row) };
  } catch (error) {
    const { kind, code, message } = failureOf(error);
    if (code === "rate-limited") return { connection: row.name, up: true, runs: await closeCircuit(pool, row) };
    if (kind === "credentials") await refusedCredentials(pool, row, message);
    else await probeFailed(pool, row, message);
    return { connection: row.name, up: false, message, runs: [] };
  } finally {
    session?.close().catch(() => {});
  }
}
