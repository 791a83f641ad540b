/** Dead letters as a run writes them: new ones, ones that failed again, and ones a replay settled. */
import type pg from "pg";
import type { LetterDraft, SeenAgain } from "../../../engine/ports.ts";
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
      ...(draft.same && { same: draft.same.fields, whole: draft.same.whole }),
    };
  });
  const json = storableJson(rows);
  const parameters = [json, lease.workspaceId, lease.flowId, lease.version];
  if (lease.mode === "live" && drafts.some(({ same }) => same))
    return void (await client.query(STORE_OR_TAKE_OVER, [...parameters, TO_BE_DECIDED]));
  await client.query(
    `WITH ${ROWS},
     again AS (${FAILED_AGAIN}) ${INSERT("$5")} WHERE NOT r.again`,
    [...parameters, lease.mode === "dry" ? "foreseen" : "open"],
  );
}

/** These say that a person has to look, and are about one sending of the record: another failure must not take their place. */
const TO_BE_DECIDED = ["may-have-arrived", "cut-short"];

const ROWS = `r AS MATERIALIZED (SELECT * FROM ROWS FROM (json_to_recordset($1::json) AS (id text, again boolean, run bigint, step text,
    field text, key text, code text, reason text, "group" text, general text, data jsonb, source jsonb, same jsonb, whole boolean))
  WITH ORDINALITY AS r(id, again, run, step, field, key, code, reason, "group", general, data, source, same, whole, place))`;

const NOW_SO = `state = 'open', attempts = d.attempts + 1, step_id = r.step, field = r.field,
  code = r.code, reason = r.reason, group_id = r."group", group_reason = r.general, data = r.data, source = r.source`;

const FAILED_AGAIN = `UPDATE dead_letter d SET ${NOW_SO} FROM r WHERE r.again AND d.id = r.id AND d.workspace_id = $2`;

const INSERT = (state: string) => `
  INSERT INTO dead_letter (id, workspace_id, flow_id, run_id, version, step_id, field, key, code, reason, group_id,
    group_reason, data, source, state)
  SELECT r.id, $2, $3, r.run, $4::int, r.step, r.field, r.key, r.code, r.reason, r."group", r.general, r.data, r.source, ${state}
  FROM r`;

/** Is the letter `d` of the record of the source that row `r` names? */
const SAME = `d.key = r.key AND d.source @> r.same AND (NOT r.whole OR d.source <@ r.same)`;

/**
 * A record that is read again and fails again at the same step keeps its letter, which then tells of the newest failure. The
 * n-th part of a record takes the n-th letter; letters of the run itself are left alone. Locked in one order, so that nobody
 * who replays or dismisses several at once waits crosswise; of a letter somebody took meanwhile a new one is made.
 */
const STORE_OR_TAKE_OVER = `
  WITH ${ROWS},
  d AS MATERIALIZED (SELECT d.id, d.step_id, d.key, d.source, d.at, d.run_id, d.reason FROM dead_letter d
    WHERE d.flow_id = $3 AND d.workspace_id = $2 AND d.state = 'open' AND NOT d.code = ANY($5)
      AND d.run_id <> ALL(SELECT run FROM r) AND d.key = ANY(ARRAY(SELECT key FROM r WHERE same IS NOT NULL))
    ORDER BY d.id FOR UPDATE),
  fits AS (SELECT r.place, r.nth, d.id, row_number() OVER (PARTITION BY r.place ORDER BY d.at, d.id) AS choice
    FROM (SELECT r.*, row_number() OVER (PARTITION BY step, key, same ORDER BY place) AS nth
      FROM r WHERE same IS NOT NULL AND NOT again AND NOT code = ANY($5)) r
    JOIN d ON d.step_id = r.step AND ${SAME}),
  pairs AS MATERIALIZED (SELECT place, id FROM fits WHERE choice = nth),
  before AS (INSERT INTO dead_letter_run (letter_id, run_id, workspace_id, at, reason)
    SELECT d.id, d.run_id, $2, d.at, d.reason FROM d JOIN pairs USING (id) ON CONFLICT DO NOTHING),
  taken AS (UPDATE dead_letter d SET ${NOW_SO}, run_id = r.run, version = $4::int, first_at = coalesce(d.first_at, d.at), at = now()
    FROM pairs p JOIN r ON r.place = p.place WHERE d.id = p.id RETURNING p.place),
  again AS (${FAILED_AGAIN})
  ${INSERT("'open'")} WHERE NOT r.again AND r.place NOT IN (SELECT place FROM taken)`;

/**
 * Open letters of earlier runs of records that were read again and have another outcome now: what they hold is old, and
 * replaying it would overwrite what is newer.
 */
export async function settleSeenAgain(
  client: pg.ClientBase,
  { workspaceId, flowId, runId, mode }: Lease,
  seen: SeenAgain[],
): Promise<void> {
  if (seen.length === 0 || mode === "dry") return;
  const rows = seen.map(({ key, same: { fields, whole } }) => ({ key, same: fields, whole }));
  await client.query(
    `WITH r AS MATERIALIZED (SELECT * FROM json_to_recordset($1::json) AS r(key text, same jsonb, whole boolean)),
     d AS MATERIALIZED (SELECT d.id FROM dead_letter d WHERE d.flow_id = $2 AND d.workspace_id = $3 AND d.state = 'open'
       AND d.run_id <> $4::bigint AND NOT d.code = ANY($5) AND d.key = ANY(ARRAY(SELECT key FROM r)) AND EXISTS (SELECT FROM r WHERE ${SAME})
       ORDER BY d.id FOR UPDATE)
     UPDATE dead_letter SET state = 'resolved', closed_at = now(), closed_by = $6, closed_run_id = $4::bigint
     WHERE id IN (SELECT id FROM d)`,
    [storableJson(rows), flowId, workspaceId, runId, TO_BE_DECIDED, `run ${runId}`],
  );
}

/** More open letters than anybody looks at one by one: then they are left to people. */
const MOST_KEYS = 200_000;

/** Keys of the letters that are open since earlier runs of the flow; undefined when there are none. */
export async function openLetterKeys(
  pool: pg.Pool,
  { workspaceId, flowId, runId }: Lease,
): Promise<ReadonlySet<string> | undefined> {
  const { rows } = await pool.query<{ key: string }>({
    name: "open-letter-keys",
    text: `SELECT DISTINCT key FROM dead_letter WHERE flow_id = $1 AND workspace_id = $2 AND state = 'open' AND run_id <> $3 LIMIT $4`,
    values: [flowId, workspaceId, runId, MOST_KEYS],
  });
  return rows.length === 0 ? undefined : new Set(rows.map(({ key }) => key));
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
