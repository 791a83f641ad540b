/** The change ledger as a batch of events writes it: many runs in one statement. See docs/decisions/0009-events.md. */
import type pg from "pg";
import type { Json, JsonRecord } from "../../connectors/sdk/types.ts";
import {
  LeaseLost,
  type LedgerDraft,
  type LedgerFix,
  type OpenEntry,
  type PartAddress,
  type RunStore,
  RunsCancelled,
} from "../../engine/ports.ts";
import type { HalfBatch } from "../../engine/run/event-batch.ts";
import { inTransaction } from "../db/run-store/lease.ts";
import { LEDGER_COLUMNS, ledgerRows } from "../db/run-store/ledger.ts";
import { storableJson } from "../db/storable.ts";
import type { EventLease } from "./event-lease.ts";
import type { Batch } from "./settle-events.ts";

const ROWS = `unnest(string_to_array($7, $18), ${[8, 9, 10, 11, 12, 13, 14, 15, 16, 17]
  .map((number) => `string_to_array($${number}, $18, '')`)
  .join(", ")}) AS r(k, o, i, b, a, s, m, x, n, g, run)`;

const ENTER = `
  WITH lease AS MATERIALIZED (SELECT 1 FROM inbox_drain WHERE flow_id = $1 AND lease_token = $2 AND cancels = $24 FOR SHARE),
  part AS (INSERT INTO inbox_sending (workspace_id, flow_id, lease_token, step_id, connection_id, part, sink, receipt, first_run, last_run)
    SELECT $3, $1, $2, $4, $5, $6, $19, $20::jsonb, $21::bigint, $22::bigint FROM lease)
  INSERT INTO change (${LEDGER_COLUMNS})
  SELECT $3, r.run::bigint, $1, $4, $5, $19, 0, $6, r.k, r.s, r.o, r.i::json, r.b::json, r.a::json, r.m, r.x, r.g::int, 'done', $23, NULL
  FROM lease, ${ROWS}`;

/** Why a statement that names lease and cancels found no row. @throws LeaseLost or RunsCancelled */
export async function refused(client: pg.Pool | pg.ClientBase, { flowId, token }: EventLease): Promise<never> {
  const { rowCount } = await client.query("SELECT FROM inbox_drain WHERE flow_id = $1 AND lease_token = $2", [
    flowId,
    token,
  ]);
  throw rowCount === 1 ? new RunsCancelled(flowId) : new LeaseLost(flowId);
}

/** Stores entries that are about to be sent, `drafts[i]` under `runs[i]`. */
export async function enterEventLedger(
  pool: pg.Pool,
  { lease, cancels }: Pick<Batch, "lease" | "cancels">,
  address: PartAddress,
  { drafts, runs, receipt }: { drafts: LedgerDraft[]; runs: string[]; receipt: Json | undefined },
): Promise<void> {
  const prefix = (index: number) => plainPrefix(lease.flowId, address.step, runs[index] as string);
  const { rows, separator } = ledgerRows(drafts, prefix, [runs]);
  const numbers = runs.map(Number);
  const { rowCount } = await pool.query({
    name: "events-enter",
    text: ENTER,
    values: [
      lease.flowId,
      lease.token,
      lease.workspaceId,
      address.step,
      address.connection,
      address.part,
      ...rows,
      separator,
      address.sink,
      receipt === undefined ? null : storableJson(receipt),
      numbers.reduce((a, b) => Math.min(a, b)),
      numbers.reduce((a, b) => Math.max(a, b)),
      drafts[0]?.undo ?? "possible",
      cancels,
    ],
  });
  if (rowCount !== drafts.length) await refused(pool, lease);
}

function plainPrefix(flowId: string, step: string, runId: string): string {
  return `${flowId}/${step}/${runId}.0/`;
}

/** Corrections after the answers, to rows of these runs. */
export async function fixEventLedger(client: pg.ClientBase, runs: string[], fixes: LedgerFix[]): Promise<void> {
  if (fixes.length === 0) return;
  const rows = fixes.map(({ step, part, key, landed, unknown, remoteId, identity, after }) => ({
    step,
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
     FROM json_to_recordset($2::json) AS f(step text, part int, key text, state text, remote text, identity json, after json)
     WHERE c.run_id = ANY($1::bigint[]) AND c.record_key = f.key AND c.step_id = f.step AND c.part = f.part`,
    [runs, storableJson(rows)],
  );
}

/** A batch was interrupted: answers that are known are stored, so that only `unsettled` parts have to be asked about. */
export async function closeEventParts(
  client: pg.ClientBase,
  { flowId, token }: EventLease,
  runs: string[],
  { fixes, parts, unsettled }: HalfBatch,
): Promise<void> {
  await fixEventLedger(client, runs, fixes);
  const open = new Set(unsettled);
  await client.query(
    "UPDATE inbox_sending SET landed = true WHERE flow_id = $1 AND lease_token = $2 AND part = ANY($3::int[])",
    [flowId, token, parts.filter((part) => !open.has(part))],
  );
}

type OpenRow = Omit<OpenEntry, "address" | "state" | "remoteId" | "idempotencyKey" | "undoes"> & {
  run: string;
  step: string;
  connection: string;
  sink: string;
  part: number;
  remoteId: string | null;
  idempotencyKey: string | null;
  landed: boolean;
};

/** What recovery of a flow's events needs: ledger rows of parts no batch has settled, their receipts, and where verdicts go. */
export function eventRecovery(
  pool: pg.Pool,
  { flowId, token }: EventLease,
): Pick<RunStore, "openEntries" | "settleParts"> {
  return {
    async openEntries() {
      const { rows } = await pool.query<OpenRow>(
        `SELECT c.run_id::text AS run, c.step_id AS step, c.connection_id AS connection, c.sink, c.part, c.record_key AS key,
           c.source_key AS "sourceKey", c.operation, c.identity, c.before, c.after, c.remote_id AS "remoteId",
           c.idempotency_key AS "idempotencyKey", c.undo, (s.landed AND c.state = 'done') AS landed
         FROM inbox_sending s JOIN change c ON c.run_id BETWEEN s.first_run AND s.last_run AND c.flow_id = s.flow_id
           AND c.step_id = s.step_id AND c.page = 0 AND c.part = s.part AND c.state IN ('done', 'unknown')
         JOIN inbox_queue q ON q.flow_id = s.flow_id AND q.id = c.run_id -- runs that have ended stay as a person was told
         WHERE s.flow_id = $1 ORDER BY c.id`,
        [flowId],
      );
      const parts = await pool.query<Omit<PartAddress, "page"> & { receipt: Json }>(
        `SELECT step_id AS step, connection_id AS connection, sink, part, receipt FROM inbox_sending
         WHERE flow_id = $1 AND receipt IS NOT NULL AND NOT landed`,
        [flowId],
      );
      return {
        entries: rows.map((row) => openEntry(flowId, row)),
        receipts: parts.rows.map(({ receipt, ...address }) => ({ address: { ...address, page: 0 }, receipt })),
      };
    },
    async settleParts(parts, fixes) {
      await inTransaction(pool, async (client) => {
        // a worker that stood still must not overrule the one that took its place
        const { rowCount } = await client.query(
          "SELECT 1 FROM inbox_drain WHERE flow_id = $1 AND lease_token = $2 FOR UPDATE",
          [flowId, token],
        );
        if (rowCount === 0) throw new LeaseLost(flowId);
        for (const { address, landed } of parts) {
          if (!landed)
            await client.query(
              `UPDATE change c SET state = 'void' FROM inbox_sending s WHERE s.flow_id = $1 AND s.part = $2 AND s.step_id = $3
                 AND c.run_id BETWEEN s.first_run AND s.last_run AND c.flow_id = $1 AND c.step_id = $3 AND c.part = $2 AND c.state = 'done'`,
              [flowId, address.part, address.step],
            );
          await client.query(
            "UPDATE inbox_sending SET landed = true WHERE flow_id = $1 AND part = $2 AND step_id = $3",
            [flowId, address.part, address.step],
          );
        }
        for (const fix of fixes)
          await client.query(
            `UPDATE change c SET state = $5 FROM inbox_sending s WHERE s.flow_id = $1 AND s.part = $2 AND s.step_id = $3
               AND c.run_id BETWEEN s.first_run AND s.last_run AND c.flow_id = $1 AND c.step_id = $3 AND c.part = $2 AND c.record_key = $4`,
            [flowId, fix.part, fix.step, fix.key, fix.unknown ? "unknown" : fix.landed ? "done" : "void"],
          );
      });
    },
  };
}

function openEntry(
  flowId: string,
  { run, step, connection, sink, part, remoteId, idempotencyKey, landed, ...entry }: OpenRow,
): OpenEntry {
  return {
    ...entry,
    before: entry.before as JsonRecord | null,
    ...(remoteId === null ? {} : { remoteId }),
    idempotencyKey: idempotencyKey ?? plainPrefix(flowId, step, run) + entry.key,
    address: { step, connection, sink, page: 0, part },
    state: landed ? "done" : "sending",
  };
}
