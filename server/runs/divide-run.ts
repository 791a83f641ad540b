/** Divides a big run into stretches of its stream's key, which all workers work on (docs/decisions/0008). */
import type pg from "pg";
import { IntegrationError } from "../../connectors/sdk/errors.ts";
import type { Json } from "../../connectors/sdk/types.ts";
import type { Plan } from "../../engine/flow/compile.ts";
import { LeaseLost, type RunPorts } from "../../engine/ports.ts";
import { watermarkPosition } from "../../engine/steps/read/position.ts";
import type { ClaimedRun } from "../db/run-store/claimed-run.ts";
import { inTransaction, type Lease, PAGES_PER_STRETCH } from "../db/run-store/lease.ts";

/** Records of a stretch where targets take pages at once; PLUMBLINE_STRETCH_ROWS sets another number, 0 divides nothing. */
const ROWS = 50_000;
/** Records that go one by one take so much longer. */
const ONE_BY_ONE = 25;
/** Below so many stretches' worth a run is not divided, and into no more than so many. */
const LEAST = 4;
const MOST = 64;

/** The ranges of a run, and for the first load of an incremental read the watermark that is stored when all are done. */
export type Division = { ranges: Json[]; mark?: { step: string; value: Json } };

/**
 * What this run is to be divided into; null when it is worked on as a whole, also when the source cannot be asked: why
 * not shows when it is read.
 *
 * @param watermark how far earlier runs have read; null: this is the first load
 */
export async function divisionOf(
  run: ClaimedRun,
  plan: Plan,
  watermark: Json,
  ports: RunPorts,
): Promise<Division | null> {
  const { lease, request } = run;
  const { trigger } = plan;
  if (lease.kind !== "flow" || lease.mode !== "live" || lease.stretch || run.checkpoint !== null) return null;
  if (trigger.step.kind !== "read") return null;
  const { stream, connection, watermark: field } = trigger.step;
  const follows = trigger.step.sync === "incremental";
  const whole = follows && watermarkPosition(watermark) === null ? plan.wholeAtFirst : plan.whole;
  if (whole !== null) return null;
  if (request.limit !== undefined || request.backfill !== undefined) return null;
  const rows = Number(process.env.PLUMBLINE_STRETCH_ROWS ?? ROWS);
  if (!(rows > 0)) return null;
  const inPages = plan.order.every(({ write }) => write === undefined || write.info?.transactional === true);
  const size = inPages ? rows : Math.max(1, Math.ceil(rows / ONE_BY_ONE));
  const asked = { stream, size, least: LEAST * size, most: MOST, signal: ports.signal };
  try {
    const { session } = await ports.connection(connection);
    if (follows && (!session.mark || field === undefined)) return null;
    const ranges = await session.ranges?.(asked);
    if (!ranges || ranges.length < 2) return null;
    if (!follows || field === undefined) return { ranges };
    // before anything is read: what changes from now on is beyond it, also when a stretch has read it already
    const value = await session.mark?.({ stream, field, signal: ports.signal });
    return value === undefined ? null : { ranges, mark: { step: trigger.id, value } };
  } catch (error) {
    if (!(error instanceof IntegrationError) && !ports.signal.aborted) ports.report(error);
    return null;
  }
}

/**
 * Stores the stretches and lets go of the run, which any worker may now help with.
 *
 * @returns false when an earlier attempt has begun to write: then the run stays whole
 * @throws LeaseLost when another attempt holds the run
 */
export async function divideRun(pool: pg.Pool, lease: Lease, { ranges, mark }: Division): Promise<boolean> {
  return await inTransaction(pool, async (client) => {
    const held = await client.query<{ begun: boolean }>(
      `SELECT EXISTS (SELECT FROM change c WHERE c.run_id = run.id) AS begun FROM run
       WHERE id = $1 AND lease_token = $2 AND state = 'running' FOR UPDATE`,
      [lease.runId, lease.token],
    );
    if (!held.rows[0]) throw new LeaseLost(lease.runId);
    if (held.rows[0].begun) return false;
    await client.query(
      `INSERT INTO run_stretch (workspace_id, run_id, number, range, first_page, page)
       SELECT $4, $1, r.n - 1, r.range, (r.n - 1) * $3, (r.n - 1) * $3
       FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS r(range, n)`,
      [lease.runId, JSON.stringify(ranges), PAGES_PER_STRETCH, lease.workspaceId],
    );
    await client.query("UPDATE run SET stretches = $2, mark = $3::jsonb, lease_worker = NULL WHERE id = $1", [
      lease.runId,
      ranges.length,
      mark ? JSON.stringify(mark) : null,
    ]);
    return true;
  });
}
