/** The change ledger as a run writes and reads it. One statement per page; values travel as one JSON text. */
import type pg from "pg";
import type { Json, JsonRecord } from "../../../connectors/sdk/types.ts";
import {
  LeaseLost,
  type LedgerDraft,
  type LedgerFix,
  type OpenEntry,
  type PartAddress,
} from "../../../engine/ports.ts";
import { storableJson } from "../storable.ts";
import { type Lease, pageNumbers } from "./lease.ts";

/** The idempotency key of a plain write follows from the row, this and the record's key; only others are stored. */
export function plainPrefix(lease: Lease, { step, page }: PartAddress): string {
  return `${lease.flowId}/${step}/${lease.runId}.${page}/`;
}

export const LEDGER_COLUMNS = `workspace_id, run_id, flow_id, step_id, connection_id, sink, page, part, record_key, source_key, operation,
  identity, before, after, remote_id, idempotency_key, origin, state, undo, undoes`;

/**
 * $8 … $17: one text per column, its rows joined by $18. Splitting a text costs PostgreSQL half of what reading JSON rows
 * does, and `json` columns half of `jsonb` (measured: 18 µs a row against 36). An empty text is NULL, as is a column whose
 * rows are all empty.
 */
const ROWS = `unnest(string_to_array($8, $18), ${[9, 10, 11, 12, 13, 14, 15, 16, 17]
  .map((number) => `string_to_array($${number}, $18, '')`)
  .join(", ")}) AS r(k, o, i, b, a, s, m, x, n, g)`;
const VALUES = `$4, $1::bigint, $5, $6, $7, $19, $20::int, $21::int, r.k, r.s, r.o, r.i::json, r.b::json, r.a::json, r.m, r.x, r.g::int`;

/** Control characters, which JSON escapes and keys hardly ever hold. */
const SEPARATORS = ["\u001e", "\u001f", "\u001d", "\u001c"];

function parameters(lease: Lease, address: PartAddress, drafts: LedgerDraft[]): unknown[] {
  const { step, connection, sink, page, part } = address;
  const prefix = plainPrefix(lease, address);
  const { rows, separator } = ledgerRows(drafts, () => prefix);
  return [
    lease.runId,
    lease.token,
    null,
    lease.workspaceId,
    lease.flowId,
    step,
    connection,
    ...rows,
    separator,
    sink,
    page,
    part,
  ];
}

/**
 * The entries as texts for ROWS: key, operation, identity, before, after, source key, remote id, idempotency key, undoes, origin.
 *
 * @param prefix what an idempotency key that need not be stored has before the record's key, for each row
 * @param more further columns, behind those: numbers
 */
export function ledgerRows(
  drafts: LedgerDraft[],
  prefix: (index: number) => string,
  more: string[][] = [],
): { rows: string[]; separator: string } {
  const json = (value: JsonRecord | null) => (value === null ? "" : storableJson(value));
  const columns = [
    drafts.map(({ key }) => key),
    drafts.map(({ operation }) => operation as string),
    drafts.map(({ identity }) => json(identity)),
    drafts.map(({ before }) => json(before)),
    drafts.map(({ after }) => json(after)),
    drafts.map(({ key, sourceKey }) => (sourceKey === null || sourceKey === key ? "" : sourceKey)),
    drafts.map(({ remoteId }) => remoteId ?? ""),
    drafts.map(({ key, idempotencyKey }, index) => (isPlain(idempotencyKey, prefix(index), key) ? "" : idempotencyKey)),
    drafts.map(({ undoes }) => undoes ?? ""),
    drafts.map(({ origin }) => (origin === undefined ? "" : String(origin))),
    ...more,
  ];
  const free = [0, 5, 6, 7].map((column) => columns[column] as string[]); // JSON, numbers and words hold none of the marks
  const separator = SEPARATORS.find((mark) => !free.some((rows) => rows.some((text) => text.includes(mark))));
  if (separator === undefined) throw new Error("A record key holds every separator the ledger knows.");
  return {
    rows: columns.map((texts) => (texts.every((text) => text === "") ? "" : texts.join(separator))),
    separator,
  };
}

/** Compares without putting the two together, once for every record that is written. */
function isPlain(idempotencyKey: string, prefix: string, key: string): boolean {
  return (
    idempotencyKey.length === prefix.length + key.length &&
    idempotencyKey.startsWith(prefix) &&
    idempotencyKey.endsWith(key)
  );
}

const RUN_HELD = `SELECT 1 FROM run WHERE id = $1::bigint AND lease_token = $2::int AND state = 'running' FOR SHARE`;
/** The run's own row is left alone here: the checkpoints of all its stretches go through that. */
const STRETCH_HELD = `SELECT 1 FROM run_stretch
  WHERE run_id = $1::bigint AND number = $23::int AND lease_token = $2::int AND state = 'running' FOR SHARE`;

/** Stores entries that are about to be sent. One statement: the lease is checked and held until it commits. */
export async function enterLedger(
  pool: pg.Pool,
  lease: Lease,
  address: PartAddress,
  drafts: LedgerDraft[],
  receipt: Json | undefined,
): Promise<void> {
  const values = parameters(lease, address, drafts).with(2, receipt === undefined ? null : storableJson(receipt));
  values.push(drafts[0]?.undo ?? "possible");
  if (lease.stretch) values.push(lease.stretch.number);
  const { rowCount } = await pool.query({
    name: lease.stretch ? "ledger-enter-stretch" : "ledger-enter",
    text: `WITH lease AS MATERIALIZED (${lease.stretch ? STRETCH_HELD : RUN_HELD}),
      part AS (INSERT INTO sending_page (workspace_id, run_id, step_id, page, part, connection_id, sink, receipt, lease_token)
        SELECT $4, $1::bigint, $6, $20::int, $21::int, $7, $19, $3::jsonb, $2::int FROM lease)
      INSERT INTO change (${LEDGER_COLUMNS}) SELECT ${VALUES}, 'done', $22, r.n::bigint FROM lease, ${ROWS}`,
    values,
  });
  if (rowCount !== drafts.length) throw new LeaseLost(lease.runId);
}

/** Stores what a dry run or an undo's preview foresees; nothing was sent. */
export async function foreseeLedger(
  pool: pg.Pool,
  lease: Lease,
  address: PartAddress,
  drafts: LedgerDraft[],
  undo?: string,
): Promise<void> {
  const { rowCount } = await pool.query({
    name: "ledger-foresee",
    text: `INSERT INTO change (${LEDGER_COLUMNS}) SELECT ${VALUES}, 'foreseen', $3, r.n::bigint FROM ${ROWS}
      WHERE EXISTS (SELECT FROM run WHERE id = $1::bigint AND lease_token = $2::int AND state = 'running')`,
    values: parameters(lease, address, drafts).with(2, undo ?? drafts[0]?.undo ?? "not possible"),
  });
  if (rowCount !== drafts.length) throw new LeaseLost(lease.runId);
}

/**
 * Removes what an attempt before foresaw in pages it stored no checkpoint of: they are worked on again, and must neither be
 * listed twice nor be taken for what the target holds.
 */
export async function forgetUnsaved(pool: pg.Pool, { runId }: Lease): Promise<void> {
  await pool.query(
    `DELETE FROM change WHERE run_id = $1::bigint AND state = 'foreseen'
       AND page >= coalesce((SELECT page FROM checkpoint WHERE run_id = $1::bigint), 0)`,
    [runId],
  );
}

/** What the target would hold for these keys after what this dry run foresaw so far; null = deleted. */
export async function foreseenRecords(
  pool: pg.Pool,
  lease: Lease,
  step: string,
  keys: string[],
): Promise<Map<string, JsonRecord | null>> {
  const found = new Map<string, JsonRecord | null>();
  const { rows } = await pool.query<{
    key: string;
    operation: string;
    identity: JsonRecord;
    before: JsonRecord;
    after: JsonRecord;
  }>(
    `SELECT record_key AS key, operation, identity, before, after FROM change
     WHERE run_id = $1 AND step_id = $2 AND record_key = ANY($3) AND state = 'foreseen' ORDER BY id`,
    [lease.runId, step, keys],
  );
  for (const { key, operation, identity, after } of rows) {
    if (operation === "delete") found.set(key, null);
    else found.set(key, { ...identity, ...found.get(key), ...after });
  }
  return found;
}

/** Corrections after the answers: rows that did not land, remote ids, identities learnt from the target. */
export async function fixLedger(client: pg.ClientBase, lease: Lease, fixes: LedgerFix[]): Promise<void> {
  if (fixes.length === 0) return;
  const rows = fixes.map(({ step, page, part, key, landed, unknown, remoteId, identity, after }) => ({
    step,
    page,
    part,
    key,
    state: unknown ? "unknown" : landed ? "done" : "void",
    remote: remoteId ?? null,
    identity: identity ?? null,
    after: after ?? null,
  }));
  await client.query(
    `UPDATE change c SET state = f.state, remote_id = coalesce(f.remote, c.remote_id),
       identity = coalesce(f.identity, c.identity), after = coalesce(f.after, c.after)
     FROM json_to_recordset($2::json) AS f(step text, page int, part int, key text, state text, remote text, identity json, after json)
     WHERE c.run_id = $1 AND c.record_key = f.key AND c.workspace_id = $3 AND c.step_id = f.step AND c.page = f.page AND c.part = f.part`,
    [lease.runId, storableJson(rows), lease.workspaceId],
  );
}

type OpenRow = {
  step: string;
  connection: string;
  sink: string;
  page: number;
  part: number;
  key: string;
  sourceKey: string | null;
  operation: "create" | "update" | "delete";
  identity: JsonRecord;
  before: JsonRecord | null;
  after: JsonRecord | null;
  remoteId: string | null;
  idempotencyKey: string | null;
  undo: "possible" | "not possible";
  undoes: string | null;
  sending: boolean;
};

/** SQL of the first page without a checkpoint, of a stretch or (number null) of a whole run. */
export const NEXT_PAGE = (run: string, stretch: string) =>
  `coalesce((SELECT page FROM run_stretch WHERE run_id = ${run}::bigint AND number = ${stretch}::int),
    (SELECT page FROM checkpoint WHERE run_id = ${run}::bigint), 0)`;

/** Ledger rows of pages that have no checkpoint yet, and the receipts of the parts being sent. */
export async function openLedger(
  pool: pg.Pool,
  lease: Lease,
): Promise<{ entries: OpenEntry[]; receipts: { address: PartAddress; receipt: Json }[] }> {
  const { from, to } = pageNumbers(lease);
  const { rows } = await pool.query<OpenRow>(
    `SELECT c.step_id AS step, c.connection_id AS connection, c.sink, c.page, c.part, c.record_key AS key,
       c.source_key AS "sourceKey", c.operation, c.identity, c.before, c.after, c.remote_id AS "remoteId",
       c.idempotency_key AS "idempotencyKey", c.undo, c.undoes::text AS undoes, (s.run_id IS NOT NULL OR c.state = 'unknown') AS sending
     FROM change c
     LEFT JOIN sending_page s ON s.run_id = c.run_id AND s.step_id = c.step_id AND s.page = c.page AND s.part = c.part
     WHERE c.run_id = $1 AND c.state IN ('done', 'unknown')
       AND c.page >= ${NEXT_PAGE("$1", "$2")} AND c.page < $3
     ORDER BY c.id`,
    [lease.runId, lease.stretch?.number ?? null, to],
  );
  const entries = rows.map((row): OpenEntry => {
    const { step, connection, sink, page, part, sending, idempotencyKey, remoteId, undoes, ...entry } = row;
    const address = { step, connection, sink, page, part };
    return {
      ...entry,
      ...(remoteId === null ? {} : { remoteId }),
      ...(undoes === null ? {} : { undoes }),
      idempotencyKey: idempotencyKey ?? plainPrefix(lease, address) + row.key,
      address,
      state: sending ? "sending" : "done",
    };
  });
  const parts = await pool.query<PartAddress & { receipt: Json }>(
    `SELECT step_id AS step, connection_id AS connection, sink, page, part, receipt FROM sending_page
     WHERE run_id = $1 AND receipt IS NOT NULL AND page >= $2 AND page < $3`,
    [lease.runId, from, to],
  );
  return { entries, receipts: parts.rows.map(({ receipt, ...address }) => ({ address, receipt })) };
}

/** Says what became of parts that were being sent. */
export async function settleLedger(
  client: pg.ClientBase,
  lease: Lease,
  parts: { address: PartAddress; landed: boolean }[],
  fixes: LedgerFix[],
): Promise<void> {
  for (const { address, landed } of parts) {
    const where = [lease.runId, address.step, address.page, address.part];
    if (!landed) {
      await client.query(
        "UPDATE change SET state = 'void' WHERE run_id = $1 AND step_id = $2 AND page = $3 AND part = $4 AND state = 'done'",
        where,
      );
    }
    await client.query(
      "DELETE FROM sending_page WHERE run_id = $1 AND step_id = $2 AND page = $3 AND part = $4",
      where,
    );
  }
  await fixLedger(client, lease, fixes);
}
