/** Parts that a wait or an approval keeps. */
import type pg from "pg";
import type { HeldDraft } from "../../../engine/ports.ts";
import { storableJson } from "../storable.ts";
import { tell } from "./checkpoint.ts";
import type { Lease } from "./lease.ts";

type Place = Pick<Lease, "workspaceId" | "flowId" | "runId" | "version" | "mode">;

/** In the order they came. A dry run keeps nothing. */
export async function storeHeld(
  client: pg.ClientBase,
  place: Place,
  held: (HeldDraft & { runId?: string })[],
): Promise<void> {
  if (held.length === 0 || place.mode === "dry") return;
  const rows = held.map(({ step, key, data, source, ask, at, afterMs, runId }) => ({
    ...{ step, key, data, source },
    kind: ask ? "approve" : "wait",
    run: runId ?? place.runId,
    ask: ask ?? null,
    at: at ?? null,
    after: afterMs ?? null,
  }));
  await client.query(
    `INSERT INTO held_part (workspace_id, flow_id, version, run_id, step_id, kind, key, data, source, ask, due_at)
     SELECT $1, $2, $3, r.run, r.step, r.kind, r.key, r.data, r.source, r.ask,
       coalesce(r.at, now() + r.after * interval '1 millisecond')
     FROM ROWS FROM (json_to_recordset($4::json) AS (step text, kind text, key text, data jsonb, source jsonb, run bigint, ask jsonb,
       at timestamptz, after float8)) WITH ORDINALITY AS r(step, kind, key, data, source, run, ask, at, after, n) ORDER BY r.n`,
    [place.workspaceId, place.flowId, place.version ?? 0, storableJson(rows)],
  );
  if (held.some(({ ask }) => ask)) await tell(client, place as Lease, { type: "approvals", flowId: place.flowId });
}

/** They went on, in this run. */
export async function storeContinued(client: pg.ClientBase, lease: Omit<Lease, "token">, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  await client.query(
    `UPDATE held_part SET state = 'released', release_run_id = $2, ended_at = now() WHERE id = ANY($1::bigint[]) AND state = 'decided'`,
    [ids, lease.runId],
  );
}
