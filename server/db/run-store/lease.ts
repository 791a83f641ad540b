/** The hold of one attempt on a run. Every write of the attempt names it, so that an attempt that was taken over stops. */
import { createHash } from "node:crypto";
import type pg from "pg";
import { LeaseLost } from "../../../engine/ports.ts";
import type { RunKind, RunMode } from "../../trpc/contract/runs.ts";

export type Lease = {
  runId: string;
  token: number;
  workspaceId: string;
  flowId: string;
  version: number | null;
  kind: RunKind;
  mode: RunMode;
  /** the hold is on this stretch of the run only; `token` is the stretch's */
  stretch?: Stretch;
};

/** A stretch of a run, whose pages are numbered from `firstPage` on. */
export type Stretch = { number: number; firstPage: number };

/** Pages of different stretches must not share a number. */
export const PAGES_PER_STRETCH = 10_000_000;

/** The numbers the pages of a lease may have: from … up to, exclusive. */
export function pageNumbers({ stretch }: Pick<Lease, "stretch">): { from: number; to: number } {
  if (!stretch) return { from: 0, to: 2 ** 31 - 1 };
  return { from: stretch.firstPage, to: stretch.firstPage + PAGES_PER_STRETCH };
}

/** Does `work` in one transaction; rolls back when it throws. */
export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    client.release();
    return result;
  } catch (error) {
    // a broken connection cannot roll back; the server has done so, and the pool must not hand it out again
    const rolledBack = await client.query("ROLLBACK").then(
      () => true,
      () => false,
    );
    client.release(!rolledBack);
    throw error;
  }
}

/**
 * Lets the planner, for the rest of the transaction, find rows by their keys only: for a page of rows it would rather read whole
 * tables of which it knows nothing yet, and compile the statement first.
 */
export async function byKeysOnly(client: pg.ClientBase): Promise<void> {
  const ways = ["enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "jit"];
  await client.query(`SELECT ${ways.map((way) => `set_config('${way}', 'off', true)`).join(", ")}`);
}

export type Wish = "cancel" | "pause" | null;

/**
 * Keeps others from taking the run over until the transaction ends.
 *
 * @returns what a person wants the run to do, if anybody said so
 * @throws LeaseLost when another attempt holds it already
 */
export async function holdLease(client: pg.ClientBase, { runId, token, stretch }: Lease): Promise<Wish> {
  const { rows } = await client.query<{ wish: Wish }>(
    stretch
      ? `SELECT r.stop_request AS wish FROM run_stretch s JOIN run r ON r.id = s.run_id
         WHERE s.run_id = $1 AND s.lease_token = $2 AND s.state = 'running' AND s.number = $3 FOR UPDATE OF s`
      : "SELECT stop_request AS wish FROM run WHERE id = $1 AND lease_token = $2 AND state = 'running' FOR UPDATE",
    stretch ? [runId, token, stretch.number] : [runId, token],
  );
  if (!rows[0]) throw new LeaseLost(runId);
  return rows[0].wish;
}

/** A short stable id of a text, 16 hex digits. */
export function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
