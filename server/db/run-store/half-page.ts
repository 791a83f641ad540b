/**
 * A run that ends in the middle of a page: what became of the writes without a checkpoint. What landed counts; what nobody
 * could find out goes to a person as “may have arrived”, so that it is neither taken for done nor sent again unasked.
 */
import type pg from "pg";
import type { JsonRecord } from "../../../connectors/sdk/types.ts";
import type { LetterDraft } from "../../../engine/ports.ts";
import { generalReason, groupText } from "../../../engine/run/dead-letter.ts";
import { digest, type Lease, pageNumbers } from "./lease.ts";
import { NEXT_PAGE } from "./ledger.ts";
import { storeLetters } from "./letters.ts";

/** $1 run, $2 stretch or null, $3 the first number its pages cannot have */
const UNCHECKED = `page < $3 AND page >= ${NEXT_PAGE("$1", "$2")}`;
const SENDING = `EXISTS (SELECT FROM sending_page s
  WHERE s.run_id = c.run_id AND s.step_id = c.step_id AND s.page = c.page AND s.part = c.part)`;

type Doubtful = { step: string; connection: string; key: string; identity: JsonRecord; after: JsonRecord | null };

/** Settles the half page (of a stretch, its own) in the ledger and the dead letters, and counts it. Dry runs have none. */
export async function closeHalfPage(client: pg.ClientBase, lease: Lease): Promise<void> {
  if (lease.mode === "dry") return;
  const { from, to } = pageNumbers(lease);
  const place = [lease.runId, lease.stretch?.number ?? null, to];
  const doubtful = await markDoubtful(client, place);
  await client.query("DELETE FROM sending_page WHERE run_id = $1 AND page >= $2 AND page < $3", [
    lease.runId,
    from,
    to,
  ]);
  if (lease.kind === "undo") return;
  if (doubtful.length > 0) await storeLetters(client, lease, await asLetters(client, lease, doubtful));
  await client.query(
    `WITH half AS (SELECT count(*) FILTER (WHERE operation = 'create') AS created, count(*) FILTER (WHERE operation = 'update') AS updated,
         count(*) FILTER (WHERE operation = 'delete') AS deleted, count(*) AS total
       FROM change WHERE run_id = $1::bigint AND state = 'done' AND ${UNCHECKED})
     UPDATE run SET read = read + half.total + $4, dead = dead + $4, created = run.created + half.created,
       updated = run.updated + half.updated, deleted = run.deleted + half.deleted
     FROM half WHERE id = $1::bigint`,
    [...place, doubtful.length],
  );
}

/** One entry for each record of a step; a record that was sent twice under one key is one question. */
async function markDoubtful(client: pg.ClientBase, place: (string | number | null)[]): Promise<Doubtful[]> {
  const { rows } = await client.query<Doubtful>(
    `WITH doubtful AS (UPDATE change c SET state = 'unknown'
       WHERE c.run_id = $1::bigint AND ${UNCHECKED} AND (c.state = 'unknown' OR (c.state = 'done' AND ${SENDING}))
       RETURNING c.*)
     SELECT DISTINCT ON (d.step_id, d.record_key, d.source_key) d.step_id AS step, coalesce(k.name, d.connection_id) AS connection,
       coalesce(d.source_key, d.record_key) AS key, d.identity, d.after
     FROM doubtful d LEFT JOIN connection k ON k.id = d.connection_id
     ORDER BY d.step_id, d.record_key, d.source_key, d.id DESC`,
    place,
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
    [runId, workspaceId, key, message, `grp_${digest(group)}`, generalReason({ message })],
  );
  return rowCount !== 0;
}
