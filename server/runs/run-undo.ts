/** The ledger rows an undo run puts back, newest first, and where it notes what it could not put back. */
import type pg from "pg";
import type { Json, JsonRecord } from "../../connectors/sdk/types.ts";
import { LeaseLost } from "../../engine/ports.ts";
import type { UndoPage, UndoPorts, UndoRow } from "../../engine/run/execute-undo.ts";
import type { Lease } from "../db/run-store/lease.ts";
import { foreseeLedger } from "../db/run-store/ledger.ts";
import { storableJson } from "../db/storable.ts";

/** `since`: all runs of the flow from then on, instead of the run's parent */
export type UndoRequest = { onConflict: "skip" | "force"; records?: string[]; since?: string };

export type StoredRow = {
  id: string;
  step: string;
  connectionId: string;
  connectionName: string | null;
  sink: string;
  key: string;
  operation: "create" | "update" | "delete";
  identity: JsonRecord;
  before: JsonRecord | null;
  after: JsonRecord | null;
  remoteId: string | null;
  undo: string;
  olderFollows: boolean;
};

/** A conflict of an earlier undo is looked at again: it may be gone, or be forced now. What was put back stays so. */
const OPEN = ["possible", "conflict", "not possible"];

type Selection = Pick<UndoRequest, "records"> & { preview: boolean };

/**
 * @param preview also find out which records the run changed more than once
 * @param cursor id of the last row that was dealt with; null at the start
 */
export async function* readUndoRows(
  pool: pg.Pool,
  parentId: string,
  { records, preview }: Selection,
  cursor: Json,
  pageSize = 500,
): AsyncGenerator<UndoPage> {
  let below = typeof cursor === "string" ? cursor : null;
  for (;;) {
    const { rows } = await pool.query<StoredRow>(
      // `+ 0` keeps a planner without statistics from looking through the whole run for each row: the key finds few
      `SELECT c.id::text AS id, c.step_id AS step, c.connection_id AS "connectionId", n.name AS "connectionName", c.sink,
         c.record_key AS key, c.operation, c.identity, c.before, c.after, c.remote_id AS "remoteId", c.undo,
         ($6 AND coalesce((SELECT true FROM change o WHERE o.record_key = c.record_key AND o.run_id + 0 = c.run_id
           AND o.id < c.id AND o.state IN ('done', 'unknown') AND o.undo = ANY($2) LIMIT 1), false)) AS "olderFollows"
       FROM change c LEFT JOIN connection n ON n.id = c.connection_id
       WHERE c.run_id = $1 AND c.state IN ('done', 'unknown') AND c.undo = ANY($2)
         AND ($3::bigint IS NULL OR c.id < $3::bigint) AND ($4::text[] IS NULL OR c.record_key = ANY($4))
       ORDER BY c.id DESC LIMIT $5`,
      [parentId, OPEN, below, records ?? null, pageSize, preview],
    );
    if (rows.length === 0) return;
    below = (rows.at(-1) as StoredRow).id;
    yield { rows: rows.map(toUndoRow), cursor: below };
  }
}

export function toUndoRow({ connectionId, connectionName, remoteId, undo, olderFollows, ...row }: StoredRow): UndoRow {
  return {
    ...row,
    ...(olderFollows ? { olderFollows } : {}),
    connection: { id: connectionId, name: connectionName ?? connectionId },
    ...(remoteId === null ? {} : { remoteId }),
    undoable: undo !== "not possible",
  };
}

const OPPOSITE = { create: "delete", update: "update", delete: "create" } as const;

/** Refusals are kept with what the target holds now (`before`) and what it would be put back to (`after`). */
export function undoNotes(pool: pg.Pool, lease: Lease): UndoPorts["note"] {
  return async (address, refusals, foreseen) => {
    if (foreseen.length > 0) await foreseeLedger(pool, lease, address, foreseen, "possible");
    if (refusals.length === 0) return;
    const rows = refusals.map(({ row, kind, now, old, wrote, message, fields }) => ({
      key: row.key,
      operation: OPPOSITE[row.operation],
      identity: row.identity,
      before: now,
      after: row.operation === "create" && !row.between ? null : old,
      undo: kind === "conflict" ? "conflict" : kind === "blind" ? "possible" : "not possible",
      undoes: row.id,
      refusal: { message, wrote, ...(fields && { fields }) },
    }));
    const { rowCount } = await pool.query(
      `INSERT INTO change (workspace_id, run_id, flow_id, step_id, connection_id, sink, page, part, record_key, operation, identity,
         before, after, state, undo, undoes, idempotency_key, refusal)
       SELECT $3, $1::bigint, $4, $5, $6, $7, $8::int, $9::int, r.key, r.operation, r.identity, r.before, r.after, 'foreseen', r.undo,
         r.undoes, 'undo/' || r.undoes, r.refusal
       FROM json_to_recordset($10::json) AS r(key text, operation text, identity json, before json, after json, undo text,
         undoes bigint, refusal json)
       WHERE EXISTS (SELECT FROM run WHERE id = $1::bigint AND lease_token = $2::int AND state = 'running')`,
      [
        ...[lease.runId, lease.token, lease.workspaceId, lease.flowId, address.step, address.connection, address.sink],
        ...[address.page, address.part, storableJson(rows)],
      ],
    );
    if (rowCount !== rows.length) throw new LeaseLost(lease.runId);
  };
}
