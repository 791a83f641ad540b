/** The hold of one attempt on a run. Every write of the attempt names it, so that an attempt that was taken over stops. */
import { createHash } from "node:crypto";
import type pg from "pg";
import { LeaseLost } from "../../../engine/ports.ts";
import type { RunKind, RunMode } from "../../trpc/contract.ts";

export type Lease = {
  runId: string;
  token: number;
  workspaceId: string;
  flowId: string;
  version: number | null;
  kind: RunKind;
  mode: RunMode;
};

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

export type Wish = "cancel" | "pause" | null;

/**
 * Keeps others from taking the run over until the transaction ends.
 *
 * @returns what a person wants the run to do, if anybody said so
 * @throws LeaseLost when another attempt holds it already
 */
export async function holdLease(client: pg.ClientBase, { runId, token }: Lease): Promise<Wish> {
  const { rows } = await client.query<{ wish: Wish }>(
    "SELECT stop_request AS wish FROM run WHERE id = $1 AND lease_token = $2 AND state = 'running' FOR UPDATE",
    [runId, token],
  );
  if (!rows[0]) throw new LeaseLost(runId);
  return rows[0].wish;
}

/** A short stable id of a text, 16 hex digits. */
export function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
