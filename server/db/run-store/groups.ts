/** What collect steps over a whole run keep: parts by group, and the records that wait for their groups. */
import type pg from "pg";
import type { JsonRecord } from "../../../connectors/sdk/types.ts";
import type { CollectChanges, CollectedItem, RunCounts } from "../../../engine/ports.ts";
import { OUTCOMES, type Outcome } from "../../../engine/steps/define-step.ts";
import { storableJson } from "../storable.ts";
import { digest, type Lease } from "./lease.ts";

/** An index entry holds at most some 2,700 bytes; a longer key keeps its beginning, so that order stays about the same. */
const LONGEST_KEY = 600;

function stored(key: string): string {
  if (Buffer.byteLength(key) <= LONGEST_KEY) return key;
  return `${Buffer.from(key).subarray(0, 200).toString("utf8")}…${digest(key)}`;
}

/** Parts of a step's groups after a place, in the order of groups and arrival. */
export async function collectedItems(
  pool: pg.Pool,
  lease: Lease,
  step: string,
  after: { key: string; seq: number } | null,
  limit: number,
): Promise<CollectedItem[]> {
  const { rows } = await pool.query<{ key: string; seq: string; ref: string; record: JsonRecord }>(
    `SELECT group_key AS key, seq, ref, record FROM collect_item
     WHERE run_id = $1 AND step_id = $2 AND ($3::text IS NULL OR (group_key, seq) > ($3::text COLLATE "C", $4::bigint))
     ORDER BY group_key, seq LIMIT $5`,
    [lease.runId, step, after?.key ?? null, after?.seq ?? 0, limit],
  );
  return rows.map(({ key, seq, ref, record }) => ({ step, key, seq: Number(seq), ref: Number(ref), record }));
}

/**
 * Stores what a page did to the groups, in the transaction of its checkpoint.
 *
 * @returns what the run's counters changed by, because records whose last group was settled have their outcome now
 */
export async function storeGroups(
  client: pg.ClientBase,
  lease: Lease,
  { items, waiting, settled }: CollectChanges,
): Promise<Partial<RunCounts>> {
  if (items.length > 0) {
    const rows = items.map(({ step, key, seq, ref, record }) => ({
      s: step,
      k: stored(key),
      q: seq,
      f: ref,
      d: record,
    }));
    await client.query(
      `INSERT INTO collect_item (workspace_id, run_id, step_id, group_key, seq, ref, record)
       SELECT $3, $1, r.s, r.k, r.q, r.f, r.d FROM json_to_recordset($2::json) AS r(s text, k text, q bigint, f bigint, d jsonb)`,
      [lease.runId, storableJson(rows), lease.workspaceId],
    );
  }
  if (waiting.length > 0) {
    const rows = waiting.map(({ ref, parts, rank, group }) => ({
      f: ref,
      p: parts,
      r: rank,
      s: group?.step ?? null,
      k: group ? stored(group.key) : null,
    }));
    await client.query(
      `INSERT INTO collect_waiting (workspace_id, run_id, ref, parts, rank, counted, group_step, group_key)
       SELECT $3, $1, r.f, r.p, r.r, r.s IS NULL, r.s, r.k
       FROM json_to_recordset($2::json) AS r(f bigint, p int, r smallint, s text, k text)`,
      [lease.runId, storableJson(rows), lease.workspaceId],
    );
  }
  return await settleGroups(client, lease, settled);
}

type Done = { rank: number; step: string | null; key: string | null };

/** Groups may have gone into groups: settling one may settle those it was made of. */
async function settleGroups(
  client: pg.ClientBase,
  lease: Lease,
  settled: CollectChanges["settled"],
): Promise<Partial<RunCounts>> {
  const change: Partial<RunCounts> = {};
  let open = settled.map(({ step, key, rank }) => ({ s: step, k: stored(key), r: rank }));
  while (open.length > 0) {
    const { rows } = await client.query<Done>(
      `WITH g AS (SELECT * FROM json_to_recordset($2::json) AS g(s text, k text, r smallint)),
       gone AS (DELETE FROM collect_item i USING g WHERE i.run_id = $1 AND i.step_id = g.s AND i.group_key = g.k RETURNING i.ref, g.r),
       parts AS (SELECT ref, count(*)::int AS n, min(r) AS r FROM gone GROUP BY ref)
       UPDATE collect_waiting w SET parts = w.parts - p.n, rank = least(w.rank, p.r) FROM parts p
       WHERE w.run_id = $1 AND w.ref = p.ref
       RETURNING CASE WHEN w.parts = 0 THEN w.rank ELSE -1 END AS rank, w.group_step AS step, w.group_key AS key`,
      [lease.runId, storableJson(open)],
    );
    open = [];
    for (const { rank, step, key } of rows) {
      if (rank < 0) continue;
      if (step !== null && key !== null) open.push({ s: step, k: key, r: rank });
      else {
        const outcome = OUTCOMES[rank] as Outcome;
        change.held = (change.held ?? 0) - 1;
        change[outcome] = (change[outcome] ?? 0) + 1;
      }
    }
  }
  if (settled.length > 0)
    await client.query("DELETE FROM collect_waiting WHERE run_id = $1 AND parts = 0", [lease.runId]);
  const changed = Object.entries(change);
  if (changed.length > 0) {
    const sets = changed.map(([name], at) => `"${name}" = "${name}" + $${at + 2}::bigint`).join(", ");
    await client.query(`UPDATE run SET ${sets} WHERE id = $1`, [lease.runId, ...changed.map(([, by]) => by)]);
  }
  return change;
}
