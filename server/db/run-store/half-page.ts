/**
 * A run that ends in the middle of a page: what became of the writes without a checkpoint. What landed counts; what nobody
 * could find out goes to a person as “may have arrived”, so that it is neither taken for done nor sent again unasked.
 */
import type pg from "pg";
import { noStepCounts } from "../../../engine/run/counts.ts";
import { OUTCOMES } from "../../../engine/steps/define-step.ts";
import { addSteps, SUMS } from "./counters.ts";
import { type Lease, pageNumbers } from "./lease.ts";
import { NEXT_PAGE } from "./ledger.ts";
import { type HalfWritten, settleTurns, TURN } from "./turns.ts";

/** Ledger rows `c` of a run that are not covered by what is stored of its records; `sending`: such a row may not have landed. */
export type HalfScope = { rows: string; sending: string; values: (string | number | null)[] };

/** What became of the records of a half page: each once, with the least good outcome of its parts; steps count the parts. */
export type HalfCounts = {
  counts: { read: number; created: number; updated: number; deleted: number; dead: number };
  steps: { id: string; in: number; created: number; updated: number; deleted: number; dead: number }[];
};

type Owner = Omit<Lease, "token">;

/** Settles the half page (of a stretch, its own) in the ledger and the dead letters, and counts it. Dry runs have none. */
export async function closeHalfPage(client: pg.ClientBase, lease: Lease): Promise<void> {
  if (lease.mode === "dry") return;
  const { from, to } = pageNumbers(lease);
  const scope: HalfScope = {
    rows: `c.run_id = $1::bigint AND c.page < $3 AND c.page >= ${NEXT_PAGE("$1", "$2")}`,
    sending: `EXISTS (SELECT FROM sending_page s
      WHERE s.run_id = c.run_id AND s.step_id = c.step_id AND s.page = c.page AND s.part = c.part)`,
    values: [lease.runId, lease.stretch?.number ?? null, to],
  };
  const half = await settleHalf(client, lease, scope);
  await client.query("DELETE FROM sending_page WHERE run_id = $1 AND page >= $2 AND page < $3", [
    lease.runId,
    from,
    to,
  ]);
  if (lease.kind === "undo") return await closeUndo(client, scope);
  if (half.steps.length === 0) return;
  const steps = half.steps.map((step) => ({ ...noStepCounts(), ...step }));
  await client.query(
    `WITH c AS (SELECT $2::jsonb AS d),
       counted AS (UPDATE run SET ${SUMS} FROM c WHERE run.id = $1::bigint RETURNING workspace_id)
     ${addSteps("counted", "$3")}`,
    [lease.runId, JSON.stringify(half.counts), JSON.stringify(steps)],
  );
}

/** Marks what is in doubt, makes letters of it, and counts. Of an undo only the ledger is settled. */
export async function settleHalf(client: pg.ClientBase, owner: Owner, scope: HalfScope): Promise<HalfCounts> {
  const doubtful = await markDoubtful(client, scope);
  if (owner.kind === "undo") return { counts: { read: 0, created: 0, updated: 0, deleted: 0, dead: 0 }, steps: [] };
  const landed = owner.kind === "replay" ? await landedRows(client, scope) : [];
  const { cut } = await settleTurns(client, owner, landed, doubtful);
  return await countHalf(client, scope, cut);
}

const COLUMNS = `c.id::text, c.step_id AS step, coalesce(k.name, c.connection_id) AS connection,
  coalesce(c.source_key, c.record_key) AS key, c.identity, c.after, ${TURN} AS turn`;

/** What of the half page is in the target for certain. */
async function landedRows(client: pg.ClientBase, { rows: scope, values }: HalfScope): Promise<HalfWritten[]> {
  const { rows } = await client.query<HalfWritten>(
    `SELECT ${COLUMNS} FROM change c LEFT JOIN connection k ON k.id = c.connection_id
     WHERE ${scope} AND c.state = 'done' ORDER BY c.id`,
    values,
  );
  return rows;
}

/** What was put back is put back, and not looked at again by another undo of the run. $1: the undo */
async function closeUndo(client: pg.ClientBase, { rows: scope, values }: HalfScope): Promise<void> {
  await client.query(
    `WITH half AS (SELECT c.undoes FROM change c WHERE ${scope} AND c.state = 'done' AND c.undoes IS NOT NULL),
       marked AS (UPDATE change o SET undo = 'done' FROM half WHERE o.id = half.undoes
         AND o.run_id = (SELECT parent_id FROM run WHERE id = $1::bigint))
     UPDATE run SET read = read + half.total, restored = restored + half.total
     FROM (SELECT count(*) AS total FROM half) half WHERE id = $1::bigint`,
    values,
  );
}

/** What tells one change from another that is under way for the same record; a change that was sent twice is one question. */
const CHANGE = "c.step_id, c.page, c.record_key, c.idempotency_key";

async function markDoubtful(
  client: pg.ClientBase,
  { rows: scope, sending, values }: HalfScope,
): Promise<HalfWritten[]> {
  const { rows } = await client.query<HalfWritten>(
    `WITH c AS (UPDATE change c SET state = 'unknown'
       WHERE ${scope} AND (c.state = 'unknown' OR (c.state = 'done' AND ${sending})) RETURNING c.*)
     SELECT DISTINCT ON (${CHANGE}) ${COLUMNS}
     FROM c LEFT JOIN connection k ON k.id = c.connection_id ORDER BY ${CHANGE}, c.id DESC`,
    values,
  );
  return rows;
}

/** `cut`: parameter with the ids of rows whose records went to a person. Rows from before records were told apart in the ledger stand for a record each. */
const COUNT_HALF = (scope: string, cut: string) => `
  WITH parts AS MATERIALIZED (SELECT DISTINCT ON (${CHANGE}) c.step_id AS step, c.page,
      coalesce(c.origin::text, row(${CHANGE})::text) AS origin, coalesce(c.source_key, c.record_key) AS source,
      CASE WHEN c.state = 'unknown' THEN 'dead' ELSE c.operation || 'd' END AS outcome, c.id = ANY(${cut}::bigint[]) AS cut
    FROM change c WHERE ${scope} AND c.state IN ('done', 'unknown') ORDER BY ${CHANGE}, c.state DESC),
  records AS (SELECT min(array_position(ARRAY['${OUTCOMES.join("', '")}'], CASE WHEN cut THEN 'dead' ELSE outcome END)) AS rank
    FROM parts GROUP BY page, origin, source),
  counted AS (SELECT '' AS id, (ARRAY['${OUTCOMES.join("', '")}'])[rank] AS outcome FROM records
    UNION ALL SELECT step, outcome FROM parts)
  SELECT id, count(*)::int AS "in", ${["created", "updated", "deleted", "dead"]
    .map((outcome) => `count(*) FILTER (WHERE outcome = '${outcome}')::int AS ${outcome}`)
    .join(", ")} FROM counted GROUP BY id ORDER BY id`;

async function countHalf(
  client: pg.ClientBase,
  { rows: scope, values }: HalfScope,
  cut: string[],
): Promise<HalfCounts> {
  const { rows } = await client.query<HalfCounts["steps"][number]>(COUNT_HALF(scope, `$${values.length + 1}`), [
    ...values,
    cut,
  ]);
  const [all, ...steps] = rows; // the records themselves are named by no step
  const { in: read = 0, created = 0, updated = 0, deleted = 0, dead = 0 } = all ?? {};
  return { counts: { read, created, updated, deleted, dead }, steps };
}
