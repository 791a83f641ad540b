/** Parts whose time has come or which somebody answered: the runs that let them go on, and how those read them. */
import type pg from "pg";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { KeptPage } from "../../engine/run/planned-pages.ts";
import { inTransaction } from "../db/run-store/lease.ts";
import { enqueueRun } from "../jobs/enqueue.ts";

type Row = { id: string; step: string; port: string; key: string; data: JsonRecord; source: JsonRecord };

/** Decided parts of one version of a flow, oldest first; those a checkpoint has let go are not read again. */
export async function* readKept(
  pool: pg.Pool,
  { flowId, version }: { flowId: string; version: number },
  pageSize = 500,
): AsyncGenerator<KeptPage> {
  let after = "0";
  for (;;) {
    const { rows } = await pool.query<Row>(
      `SELECT h.id::text, h.step_id AS step, h.port, h.key, h.data, h.source FROM held_part h
       WHERE h.flow_id = $1 AND h.version = $2 AND h.state = 'decided' AND h.id > $3 ORDER BY h.id LIMIT $4`,
      [flowId, version, after, pageSize],
    );
    const [first] = rows;
    if (!first) return;
    const other = rows.findIndex(({ step, port }) => step !== first.step || port !== first.port);
    const page = other < 0 ? rows : rows.slice(0, other);
    after = page.at(-1)!.id;
    const { step, port } = first;
    const parts = page.map(({ id, key, source }) => ({ id, key, source }));
    yield { continued: { step, port, parts }, records: page.map(({ data }) => data), cursor: after };
  }
}

/**
 * Decides what is due (a wait is over, nobody answered in time), and starts a run for each version of a flow with decided
 * parts; one at a time.
 *
 * @returns numbers of the runs
 */
export async function startContinuations(pool: pg.Pool): Promise<string[]> {
  return await inTransaction(pool, async (client) => {
    const { rows: lock } = await client.query<{ mine: boolean }>("SELECT pg_try_advisory_xact_lock(7264004) AS mine");
    if (!lock[0]?.mine) return [];
    await client.query(
      `UPDATE held_part SET state = 'decided', port = CASE WHEN kind = 'wait' THEN 'out' ELSE coalesce(ask->>'otherwise', 'no') END,
         decided_at = now(), decided_by = CASE WHEN kind = 'wait' THEN NULL ELSE 'time limit' END
       WHERE id IN (SELECT id FROM held_part WHERE state = 'open' AND due_at <= now() ORDER BY due_at LIMIT 10000 FOR UPDATE SKIP LOCKED)`,
    );
    const { rows } = await client.query<{ id: string }>(
      `INSERT INTO run (workspace_id, flow_id, version, kind, mode, trigger, started_by, request)
       SELECT f.workspace_id, f.id, h.version, 'replay', 'live', 'continue', 'system', '{"continue": true}'
       FROM (SELECT DISTINCT flow_id, version FROM held_part WHERE state = 'decided') h JOIN flow f ON f.id = h.flow_id
       WHERE NOT f.paused AND f.deleted_at IS NULL
         AND NOT EXISTS (SELECT FROM run r WHERE r.flow_id = f.id AND r.version = h.version AND r.kind = 'replay'
           AND r.request->>'continue' = 'true' AND r.state IN ('queued', 'running', 'waiting'))
       RETURNING id::text`,
    );
    for (const { id } of rows) await enqueueRun(client, id);
    return rows.map(({ id }) => id);
  });
}
