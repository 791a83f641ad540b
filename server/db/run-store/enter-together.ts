/** The ledger entries of small pages: those of several runs go in one statement, so with one commit. */
import type pg from "pg";
import type { Json } from "../../../connectors/sdk/types.ts";
import { LeaseLost, type LedgerDraft, type PartAddress } from "../../../engine/ports.ts";
import { STILL } from "../lanes.ts";
import { storableJson } from "../storable.ts";
import { together } from "../together.ts";
import type { Lease } from "./lease.ts";
import { LEDGER_COLUMNS, ledgerRows, plainPrefix } from "./ledger.ts";

/** $1 the parts; $2 … $11 the columns of their rows, and $12 the number of each row's part; $13 separator */
const ENTER_TOGETHER = `
  WITH parts AS MATERIALIZED (SELECT * FROM json_to_recordset($1::json) AS p(n int, run bigint, token int, workspace text,
    flow text, step text, connection text, sink text, page int, part int, undo text, receipt jsonb)),
  held AS MATERIALIZED (SELECT p.* FROM parts p JOIN run ON run.id = p.run AND run.lease_token = p.token AND ${STILL("running")}
    WHERE run.id = ANY(ARRAY(SELECT run FROM parts)) FOR SHARE OF run),
  part AS (INSERT INTO sending_page (workspace_id, run_id, step_id, page, part, connection_id, sink, receipt, lease_token)
    SELECT workspace, run, step, page, part, connection, sink, receipt, token FROM held),
  entered AS (INSERT INTO change (${LEDGER_COLUMNS})
    SELECT h.workspace, h.run, h.flow, h.step, h.connection, h.sink, h.page, h.part, r.k, r.s, r.o, r.i::json, r.b::json, r.a::json,
      r.m, r.x, r.g::int, 'done', h.undo, r.n::bigint
    FROM held h JOIN unnest(string_to_array($2, $13), ${[3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
      .map((number) => `string_to_array($${number}, $13, '')`)
      .join(", ")}) AS r(k, o, i, b, a, s, m, x, n, g, part) ON r.part::int = h.n)
  SELECT n FROM held`;

/** So few entries share a statement with those of other runs. */
export const FEW = 20;

type Part = { lease: Lease; address: PartAddress; drafts: LedgerDraft[]; receipt: Json | undefined };

/** False for those whose run is not held any more. */
const enterParts = together<Part, boolean>({
  most: 32,
  async work(lanes, parts) {
    /** the part of each row */
    const places = parts.flatMap(({ drafts }, n) => drafts.map(() => n));
    const prefixes = parts.map(({ lease, address }) => plainPrefix(lease, address));
    const all = parts.flatMap(({ drafts }) => drafts);
    const prefix = (row: number) => prefixes[places[row] as number] as string;
    const { rows, separator } = ledgerRows(all, prefix, [places.map(String)]);
    const described = parts.map(({ lease, address, drafts, receipt }, n) => ({
      n,
      run: lease.runId,
      token: lease.token,
      workspace: lease.workspaceId,
      flow: lease.flowId,
      ...address,
      undo: drafts[0]?.undo ?? "possible",
      receipt,
    }));
    const { rows: held } = await lanes.query<{ n: number }>({
      name: "ledger-enter-together",
      text: ENTER_TOGETHER,
      values: [storableJson(described), ...rows, separator],
    });
    const entered = new Set(held.map(({ n }) => n));
    return parts.map((_, n) => entered.has(n));
  },
});

/** As `enterLedger` does, for few entries of a run that is worked on as a whole. */
export async function enterTogether(pool: pg.Pool, part: Part): Promise<void> {
  if (!(await enterParts(pool, part))) throw new LeaseLost(part.lease.runId);
}
