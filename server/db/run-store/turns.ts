/**
 * Letters, parked records and kept parts whose run ends in the middle of a page. What was written has had its turn, and must
 * not be written again by the next run that gives turns; where nobody can say that it was all, a person decides.
 */
import type pg from "pg";
import type { JsonRecord } from "../../../connectors/sdk/types.ts";
import type { LetterDraft } from "../../../engine/ports.ts";
import { generalReason, groupText } from "../../../engine/run/dead-letter.ts";
import { storeContinued } from "./held.ts";
import { digest, type Lease } from "./lease.ts";
import { resolveLetters, storeLetters } from "./letters.ts";
import { releaseParked } from "./parked.ts";

type Owner = Omit<Lease, "token">;

/** What a ledger row of the half page was about. `turn`: the letter, parked record or kept part it was written for. */
export type HalfWritten = {
  /** of the ledger row */
  id: string;
  step: string;
  connection: string;
  key: string;
  identity: JsonRecord;
  after: JsonRecord | null;
  turn: string | null;
};

/** The part of an idempotency key that sets a write apart (engine/run/execute-flow.ts). */
export const TURN = `split_part(substr(c.idempotency_key, length(c.flow_id) + length(c.step_id) + 3), '/', 1)`;

type Turn = { kind: "parked" | "kept" | "letter" | "key"; id: string };

/** A letter sent under the name it had before is known by its key only. */
function turnOf({ turn, key }: HalfWritten): Turn {
  const [, kind, id] = /^(parked|kept)\.(\d+)$/.exec(turn ?? "") ?? [];
  if (kind !== undefined && id !== undefined) return { kind: kind as "parked" | "kept", id };
  const letter = /^(dl_.+)\.\d+$/.exec(turn ?? "")?.[1];
  return letter ? { kind: "letter", id: letter } : { kind: "key", id: key };
}

const nameOf = (row: HalfWritten) => Object.values(turnOf(row)).join("\u0000");

/**
 * @param landed written for certain
 * @param doubtful sent, and nobody could find out
 * @returns ids of the rows of `landed` whose records go to a person all the same
 */
export async function settleTurns(
  client: pg.ClientBase,
  lease: Owner,
  landed: HalfWritten[],
  doubtful: HalfWritten[],
): Promise<{ cut: string[] }> {
  await handOver(client, lease, doubtful, MAY_HAVE_ARRIVED);
  if (lease.kind !== "replay" || landed.length === 0) return { cut: [] };
  const inDoubt = new Set(doubtful.map(nameOf));
  const rest = landed.filter((row) => !inDoubt.has(nameOf(row)));
  if (await oneWay(client, lease)) {
    await hadTheirTurn(client, lease, rest.map(turnOf));
    return { cut: landed.filter((row) => inDoubt.has(nameOf(row))).map(({ id }) => id) };
  }
  const cut = [...new Map(rest.map((row) => [nameOf(row), row])).values()];
  await handOver(client, lease, cut, CUT_SHORT);
  return { cut: landed.map(({ id }) => id) };
}

/** Does each record of the flow end in one place? Then one that was written is done with. */
async function oneWay(client: pg.ClientBase, { flowId, version }: Owner): Promise<boolean> {
  const { rows } = await client.query<{ document: FlowParts }>(
    "SELECT document FROM flow_version WHERE flow_id = $1 AND version = $2",
    [flowId, version],
  );
  const { steps = [], links = [] } = rows[0]?.document ?? { steps: [{ kind: "split" }] };
  const ways = links.map(({ from, port }) => `${from}\u0000${port ?? ""}`);
  return new Set(ways).size === ways.length && !steps.some(({ kind }) => kind === "split");
}

type FlowParts = { steps?: { kind: string }[]; links?: { from: string; port?: string }[] };

async function hadTheirTurn(client: pg.ClientBase, lease: Owner, turns: Turn[]): Promise<void> {
  const ids = (wanted: Turn["kind"]) => turns.flatMap(({ kind, id }) => (kind === wanted ? [id] : []));
  await resolveLetters(client, lease, ids("letter"));
  await releaseParked(client, lease, ids("parked"));
  await storeContinued(client, lease, ids("kept"));
  const keys = ids("key");
  if (keys.length === 0) return;
  await client.query(
    `UPDATE dead_letter SET state = 'resolved', closed_at = now(), closed_by = $3
     WHERE replay_run_id = $1 AND state = 'replaying' AND code = 'may-have-arrived' AND key = ANY($2)`,
    [lease.runId, keys, `run ${lease.runId}`],
  );
}

type Reason = { code: string; message(connection: string): string };

const MAY_HAVE_ARRIVED: Reason = {
  code: "may-have-arrived",
  message: (connection) =>
    `${connection} was sent this record before the run ended, and nobody could find out whether it arrived. Look it up there: dismiss this if it is there, replay it if it is not.`,
};
const CUT_SHORT: Reason = {
  code: "cut-short",
  message: (connection) =>
    `${connection} has this record, but the run ended before it was known whether the flow's other steps had their turn with it. Look what is missing: dismiss this if nothing is, replay it to let every step from here on have it again.`,
};

/** They become dead letters, or the letters they were. Of records of a flow, all that is known is what was sent. */
async function handOver(client: pg.ClientBase, lease: Owner, rows: HalfWritten[], reason: Reason): Promise<void> {
  const drafts: LetterDraft[] = [];
  for (const row of rows) {
    const { step, connection, key, identity, after } = row;
    const message = reason.message(connection);
    const failure = { kind: "rejected", code: reason.code, message } as const;
    const data = { ...identity, ...after };
    if (lease.kind !== "replay") {
      drafts.push({ step, key, failure, data, source: data });
      continue;
    }
    const { kind, id } = turnOf(row);
    if (kind === "parked" || kind === "kept") {
      const source = await takenOut(client, lease, kind, id);
      drafts.push({ step, key, failure, data, source: source ?? data });
    } else if (!(await reopened(client, lease, key, step, failure)))
      drafts.push({ step, key, failure, data, source: data });
  }
  await storeLetters(client, lease, drafts);
}

/** The letter stands in its place now. @returns the record as the trigger read it */
async function takenOut(
  client: pg.ClientBase,
  lease: Owner,
  kind: "parked" | "kept",
  id: string,
): Promise<JsonRecord | undefined> {
  const { rows } = await client.query<{ source: JsonRecord }>(
    `SELECT source FROM ${kind === "kept" ? "held_part" : "parked_record"} WHERE flow_id = $1 AND id = $2`,
    [lease.flowId, id],
  );
  if (kind === "kept") await storeContinued(client, lease, [id]);
  else await releaseParked(client, lease, [id]);
  return rows[0]?.source;
}

/** It keeps its number of attempts, and with it the idempotency key it was sent under. */
async function reopened(
  client: pg.ClientBase,
  { runId, workspaceId }: Owner,
  key: string,
  step: string,
  failure: LetterDraft["failure"],
): Promise<boolean> {
  const { rowCount } = await client.query(
    `UPDATE dead_letter SET state = 'open', code = $7, reason = $4, group_id = $5, group_reason = $6, replay_run_id = NULL
     WHERE replay_run_id = $1::bigint AND workspace_id = $2 AND key = $3 AND state = 'replaying'`,
    [
      runId,
      workspaceId,
      key,
      failure.message,
      `grp_${digest(groupText(step, failure))}`,
      generalReason(failure),
      failure.code,
    ],
  );
  return rowCount !== 0;
}
