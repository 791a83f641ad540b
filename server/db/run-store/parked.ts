/** Records that wait behind a dead one of their key (order: by-key). */
import type pg from "pg";
import type { ParkedRecord } from "../../../engine/ports.ts";
import { storableJson } from "../storable.ts";
import type { Lease } from "./lease.ts";

/** Which of these keys have an unsettled dead letter in this flow, or (`orParked`) records waiting behind one. */
export async function blockedKeys(
  pool: pg.Pool,
  flowId: string,
  keys: string[],
  orParked: boolean,
): Promise<Set<string>> {
  const { rows } = await pool.query<{ key: string }>({
    name: orParked ? "blocked-keys-parked" : "blocked-keys",
    text: `SELECT key FROM dead_letter WHERE flow_id = $1 AND key = ANY($2) AND state IN ('open', 'replaying')
      UNION SELECT key FROM held_part WHERE flow_id = $1 AND key = ANY($2) AND state IN ('open', 'decided')
      ${orParked ? "UNION SELECT key FROM parked_record WHERE flow_id = $1 AND key = ANY($2)" : ""}`,
    values: [flowId, keys],
  });
  return new Set(rows.map(({ key }) => key));
}

/** Keeps them in the order they came. */
export async function storeParked(
  client: pg.ClientBase,
  { workspaceId, flowId, runId }: Pick<Lease, "workspaceId" | "flowId" | "runId">,
  parked: (ParkedRecord & { runId?: string })[],
): Promise<void> {
  if (parked.length === 0) return;
  const inOrder = [...parked].sort((a, b) => a.origin - b.origin);
  const rows = inOrder.map(({ key, source, runId: of }) => ({ key, source, run: of ?? runId }));
  await client.query(
    `INSERT INTO parked_record (workspace_id, flow_id, run_id, key, source)
     SELECT $1, $2, r.run, r.key, r.source FROM ROWS FROM (json_to_recordset($3::json) AS (key text, source jsonb, run bigint))
       WITH ORDINALITY AS r(key, source, run, place) ORDER BY r.place`,
    [workspaceId, flowId, storableJson(rows)],
  );
}

/** They had their turn. */
export async function releaseParked(
  client: pg.ClientBase,
  { flowId }: Omit<Lease, "token">,
  ids: string[],
): Promise<void> {
  if (ids.length === 0) return;
  await client.query("DELETE FROM parked_record WHERE flow_id = $1 AND id = ANY($2::bigint[])", [flowId, ids]);
}
