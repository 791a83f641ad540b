/** Dead letters as a run writes them: new ones, ones that failed again, and ones a replay settled. */
import type pg from "pg";
import type { LetterDraft } from "../../../engine/ports.ts";
import { generalReason, groupText } from "../../../engine/run/dead-letter.ts";
import { newId } from "../../ids.ts";
import { storableJson } from "../storable.ts";
import { digest, type Lease } from "./lease.ts";

/** @param lease the run the letters belong to, unless a letter names its own (a batch of events is many runs) */
export async function storeLetters(
  client: pg.ClientBase,
  lease: Omit<Lease, "kind" | "token">,
  drafts: (LetterDraft & { runId?: string })[],
): Promise<void> {
  if (drafts.length === 0) return;
  const groups = new Map<string, { id: string; reason: string }>();
  const rows = drafts.map((draft) => {
    const text = groupText(draft.step, draft.failure);
    let group = groups.get(text);
    if (!group) {
      group = { id: `grp_${digest(text)}`, reason: generalReason(draft.failure) };
      groups.set(text, group);
    }
    return {
      id: draft.letterId ?? newId("dl"),
      again: draft.letterId !== undefined,
      run: draft.runId ?? lease.runId,
      step: draft.step,
      field: draft.failure.field ?? null,
      key: draft.key,
      code: draft.failure.code,
      reason: draft.failure.message,
      group: group.id,
      general: group.reason,
      data: draft.data,
      source: draft.source,
    };
  });
  const json = storableJson(rows);
  await client.query(
    `WITH r AS MATERIALIZED (SELECT * FROM json_to_recordset($1::json) AS r(id text, again boolean, run bigint, step text, field text, key text,
       code text, reason text, "group" text, general text, data jsonb, source jsonb)),
     again AS (UPDATE dead_letter d SET state = 'open', attempts = d.attempts + 1, step_id = r.step, field = r.field,
         code = r.code, reason = r.reason, group_id = r."group", group_reason = r.general, data = r.data, source = r.source
       FROM r WHERE r.again AND d.id = r.id AND d.workspace_id = $2)
     INSERT INTO dead_letter (id, workspace_id, flow_id, run_id, version, step_id, field, key, code, reason, group_id,
       group_reason, data, source, state)
     SELECT r.id, $2, $3, r.run, $4::int, r.step, r.field, r.key, r.code, r.reason, r."group", r.general, r.data, r.source, $5
     FROM r WHERE NOT r.again`,
    [json, lease.workspaceId, lease.flowId, lease.version, lease.mode === "dry" ? "foreseen" : "open"],
  );
}

export async function resolveLetters(
  client: pg.ClientBase,
  lease: Pick<Lease, "workspaceId" | "runId">,
  ids: string[],
): Promise<void> {
  if (ids.length === 0) return;
  await client.query(
    `UPDATE dead_letter SET state = 'resolved', closed_at = now(), closed_by = $3
     WHERE id = ANY($1) AND workspace_id = $2 AND state = 'replaying'`,
    [ids, lease.workspaceId, `run ${lease.runId}`],
  );
}

/** A replay that ended before it came to them gives its letters back to the open list. */
export async function reopenLetters(client: pg.ClientBase, lease: Lease): Promise<void> {
  if (lease.kind !== "replay") return;
  await client.query(
    "UPDATE dead_letter SET state = 'open', replay_run_id = NULL WHERE replay_run_id = $1 AND state = 'replaying'",
    [lease.runId],
  );
}
