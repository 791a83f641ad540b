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
import type { Lease } from "./lease.ts";

/** The idempotency key of a plain write follows from the row; only others are stored. */
function plainKey(lease: Lease, { step, page }: PartAddress, key: string): string {
  return `${lease.flowId}/${step}/${lease.runId}.${page}/${key}`;
}

const ROWS = `json_to_recordset($8::json) AS r(k text, s text, o text, i jsonb, b jsonb, a jsonb, m text, x text, u text, n bigint)`;
const COLUMNS = `workspace_id, run_id, flow_id, step_id, connection_id, sink, page, part, record_key, source_key, operation,
  identity, before, after, remote_id, idempotency_key, state, undo, undoes`;
const VALUES = `$4, $1, $5, $6, $7, $9, $10::int, $11::int, r.k, r.s, r.o, r.i, r.b, r.a, r.m, r.x`;

function rowsJson(lease: Lease, address: PartAddress, drafts: LedgerDraft[]): string {
  const rows = drafts.map((draft) => ({
    k: draft.key,
    ...(draft.sourceKey === null || draft.sourceKey === draft.key ? {} : { s: draft.sourceKey }),
    o: draft.operation,
    i: draft.identity,
    ...(draft.before === null ? {} : { b: draft.before }),
    ...(draft.after === null ? {} : { a: draft.after }),
    ...(draft.remoteId === undefined ? {} : { m: draft.remoteId }),
    ...(draft.idempotencyKey === plainKey(lease, address, draft.key) ? {} : { x: draft.idempotencyKey }),
    u: draft.undo,
    ...(draft.undoes === undefined ? {} : { n: draft.undoes }),
  }));
  // PostgreSQL's text cannot hold U+0000; a record with it is refused before it gets here, this is the last guard
  return JSON.stringify(rows).replaceAll("\\u0000", "\\ufffd");
}

function parameters(lease: Lease, address: PartAddress, drafts: LedgerDraft[]): unknown[] {
  const { step, connection, sink, page, part } = address;
  const rows = rowsJson(lease, address, drafts);
  return [lease.runId, lease.token, null, lease.workspaceId, lease.flowId, step, connection, rows, sink, page, part];
}

/** Stores entries that are about to be sent. One statement: the lease is checked and held until it commits. */
export async function enterLedger(
  pool: pg.Pool,
  lease: Lease,
  address: PartAddress,
  drafts: LedgerDraft[],
  receipt: Json | undefined,
): Promise<void> {
  const values = parameters(lease, address, drafts);
  values[2] = receipt === undefined ? null : JSON.stringify(receipt);
  const { rowCount } = await pool.query({
    name: "ledger-enter",
    text: `WITH lease AS MATERIALIZED (SELECT 1 FROM run WHERE id = $1::bigint AND lease_token = $2::int AND state = 'running' FOR SHARE),
      part AS (INSERT INTO sending_page (run_id, step_id, page, part, connection_id, sink, receipt, lease_token)
        SELECT $1, $6, $10::int, $11::int, $7, $9, $3::jsonb, $2::int FROM lease)
      INSERT INTO change (${COLUMNS}) SELECT ${VALUES}, 'done', r.u, r.n FROM lease, ${ROWS}`,
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
) {
  const { rowCount } = await pool.query({
    name: "ledger-foresee",
    text: `INSERT INTO change (${COLUMNS}) SELECT ${VALUES}, 'foreseen', coalesce($3, r.u), r.n FROM ${ROWS}
      WHERE EXISTS (SELECT FROM run WHERE id = $1::bigint AND lease_token = $2::int AND state = 'running')`,
    values: parameters(lease, address, drafts).with(2, undo ?? null),
  });
  if (rowCount !== drafts.length) throw new LeaseLost(lease.runId);
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
     FROM json_to_recordset($2::json) AS f(step text, page int, part int, key text, state text, remote text, identity jsonb, after jsonb)
     WHERE c.run_id = $1 AND c.record_key = f.key AND c.workspace_id = $3 AND c.step_id = f.step AND c.page = f.page AND c.part = f.part`,
    [lease.runId, JSON.stringify(rows).replaceAll("\\u0000", "\\ufffd"), lease.workspaceId],
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

/** Ledger rows of pages that have no checkpoint yet, and the receipts of the parts being sent. */
export async function openLedger(
  pool: pg.Pool,
  lease: Lease,
): Promise<{ entries: OpenEntry[]; receipts: { address: PartAddress; receipt: Json }[] }> {
  const { rows } = await pool.query<OpenRow>(
    `SELECT c.step_id AS step, c.connection_id AS connection, c.sink, c.page, c.part, c.record_key AS key,
       c.source_key AS "sourceKey", c.operation, c.identity, c.before, c.after, c.remote_id AS "remoteId",
       c.idempotency_key AS "idempotencyKey", c.undo, c.undoes::text AS undoes, s.run_id IS NOT NULL AS sending
     FROM change c
     LEFT JOIN sending_page s ON s.run_id = c.run_id AND s.step_id = c.step_id AND s.page = c.page AND s.part = c.part
     WHERE c.run_id = $1 AND c.state = 'done'
       AND c.page >= coalesce((SELECT page FROM checkpoint WHERE run_id = $1), 0)
     ORDER BY c.id`,
    [lease.runId],
  );
  const entries = rows.map((row): OpenEntry => {
    const { step, connection, sink, page, part, sending, idempotencyKey, remoteId, undoes, ...entry } = row;
    const address = { step, connection, sink, page, part };
    return {
      ...entry,
      ...(remoteId === null ? {} : { remoteId }),
      ...(undoes === null ? {} : { undoes }),
      idempotencyKey: idempotencyKey ?? plainKey(lease, address, row.key),
      address,
      state: sending ? "sending" : "done",
    };
  });
  const parts = await pool.query<PartAddress & { receipt: Json }>(
    `SELECT step_id AS step, connection_id AS connection, sink, page, part, receipt FROM sending_page
     WHERE run_id = $1 AND receipt IS NOT NULL`,
    [lease.runId],
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
