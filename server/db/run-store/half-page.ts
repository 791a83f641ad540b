/**
 * A run that ends in the middle of a page: what became of the writes without a checkpoint. What landed counts; what nobody
 * could find out goes to a person as “may have arrived”, so that it is neither taken for done nor sent again unasked.
 */
import type pg from "pg";
import type { JsonRecord } from "../../../connectors/sdk/types.ts";
import type { LetterDraft } from "../../../engine/ports.ts";
import { generalReason, groupText } from "../../../engine/run/dead-letter.ts";
import { digest, type Lease } from "./lease.ts";
import { storeLetters } from "./letters.ts";

const UNCHECKED = "page >= coalesce((SELECT page FROM checkpoint WHERE run_id = $1::bigint), 0)";
const SENDING = `EXISTS (SELECT FROM sending_page s
  WHERE s.run_id = c.run_id AND s.step_id = c.step_id AND s.page = c.page AND s.part = c.part)`;

type Doubtful = { step: string; connection: string; key: string; identity: JsonRecord; after: JsonRecord | null };

/** Settles the half page in the ledger and the dead letters, and adds it to the counters of the run. Dry runs have none. */
export async function closeHalfPage(client: pg.ClientBase, lease: Lease): Promise<void> {
  if (lease.mode === "dry") return;
  const doubtful = await markDoubtful(client, lease);
  await client.query("DELETE FROM sending_page WHERE run_id = $1", [lease.runId]);
  if (lease.kind === "undo") return;
  if (doubtful.length > 0) await storeLetters(client, lease, await asLetters(client, lease, doubtful));
  await client.query(
    `WITH half AS (SELECT count(*) FILTER (WHERE operation = 'create') AS created, count(*) FILTER (WHERE operation = 'update') AS updated,
         count(*) FILTER (WHERE operation = 'delete') AS deleted, count(*) AS total
       FROM change WHERE run_id = $1::bigint AND state = 'done' AND ${UNCHECKED})
     UPDATE run SET read = read + half.total + $2, dead = dead + $2, created = run.created + half.created,
       updated = run.updated + half.updated, deleted = run.deleted + half.deleted
     FROM half WHERE id = $1::bigint`,
    [lease.runId, doubtful.length],
  );
}

/** One entry for each record of a step; a record that was sent twice under one key is one question. */
async function markDoubtful(client: pg.ClientBase, { runId }: Lease): Promise<Doubtful[]> {
  const { rows } = await client.query<Doubtful>(
    `WITH doubtful AS (UPDATE change c SET state = 'unknown'
       WHERE c.run_id = $1::bigint AND c.${UNCHECKED} AND (c.state = 'unknown' OR (c.state = 'done' AND ${SENDING}))
       RETURNING c.*)
     SELECT DISTINCT ON (d.step_id, d.record_key, d.source_key) d.step_id AS step, coalesce(k.name, d.connection_id) AS connection,
       coalesce(d.source_key, d.record_key) AS key, d.identity, d.after
     FROM doubtful d LEFT JOIN connection k ON k.id = d.connection_id
     ORDER BY d.step_id, d.record_key, d.source_key, d.id DESC`,
    [runId],
  );
  return rows;
}

/** Records of a replay keep their letter. Of others, all that is known of the record is what was sent. */
async function asLetters(client: pg.ClientBase, lease: Lease, doubtful: Doubtful[]): Promise<LetterDraft[]> {
  const drafts: LetterDraft[] = [];
  for (const { step, connection, key, identity, after } of doubtful) {
    const message = `${connection} was sent this record before the run ended, and nobody could find out whether it arrived. Look it up there: dismiss this if it is there, replay it if it is not.`;
    const failure = { kind: "rejected", code: "may-have-arrived", message } as const;
    if (lease.kind === "replay" && (await reopened(client, lease, key, groupText(step, failure), message))) continue;
    const data = { ...identity, ...after };
    drafts.push({ step, key, failure, data, source: data });
  }
  return drafts;
}

/** It keeps its number of attempts, and with it the idempotency key it was sent under. */
async function reopened(
  client: pg.ClientBase,
  { runId, workspaceId }: Lease,
  key: string,
  group: string,
  message: string,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `UPDATE dead_letter SET state = 'open', code = 'may-have-arrived', reason = $4, group_id = $5, group_reason = $6,
       replay_run_id = NULL
     WHERE replay_run_id = $1::bigint AND workspace_id = $2 AND key = $3 AND state = 'replaying'`,
    [runId, workspaceId, key, message, `grp_${digest(group)}`, generalReason(message)],
  );
  return rowCount !== 0;
}
