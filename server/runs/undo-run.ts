import { z } from "zod";
import { isFinal, type RunState } from "../../engine/run/states.ts";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import type { Tx } from "../db/prisma.ts";
import { AnyId, storableText } from "../db/storable.ts";
import { Conflict, NotFound, UseCaseError } from "../errors.ts";
import { insertRun } from "./insert-run.ts";

export const UndoOptions = z.object({
  preview: z.boolean().default(false).describe("Only foresee what would be restored and where there are conflicts"),
  records: z
    .array(storableText(10_000).min(1))
    .min(1)
    .max(10_000)
    .optional()
    .describe("Record keys as GET /runs/:id/changes gives them; absent: everything the run changed"),
  onConflict: z
    .enum(["skip", "force"])
    .default("skip")
    .describe("A record someone changed since: leave it as a conflict, or restore it all the same"),
});
export const UndoRun = UndoOptions.extend({ runId: AnyId });
export type UndoRun = z.output<typeof UndoRun>;

type Parent = { flowId: string; version: number | null; state: RunState; mode: string; createdAt: Date };

/**
 * Queues a run that puts back what a live run changed in its targets. The undo run is in the ledger itself, so it can
 * be undone too.
 *
 * @returns the undo run; with `preview` it is a dry one
 * @throws NotFound no such run, `records-not-in-run`
 * @throws Conflict `dry-run`, `run-not-finished`, `undo-running`, `nothing-to-undo`
 */
export async function undoRun(ctx: ServerContext, undo: UndoRun): Promise<{ id: string }> {
  const { runId, preview, records, onConflict } = undo;
  if (!/^\d{1,18}$/.test(runId)) throw new NotFound("run", runId);
  return ctx.db.$transaction(async (tx) => {
    // the lock makes a second undo of the same run wait, and then see the first
    const [parent] = await tx.$queryRaw<Parent[]>`
      SELECT flow_id AS "flowId", version, state, mode, created_at AS "createdAt" FROM run
      WHERE id = ${BigInt(runId)} AND workspace_id = ${ctx.workspaceId} FOR UPDATE`;
    if (parent === undefined) throw new NotFound("run", runId);
    if (parent.mode === "dry") throw new Conflict("dry-run", `Run ${runId} was a dry run: it wrote nothing.`);
    if (!isFinal(parent.state))
      throw new Conflict(
        "run-not-finished",
        `Run ${runId} has not ended (${parent.state}). Cancel it, or wait for its end.`,
      );
    if (!preview) {
      await tx.$queryRaw`SELECT FROM flow WHERE id = ${parent.flowId} FOR SHARE`; // an undo of all its runs waits, or is seen
      await refuseSecondUndo(tx, runId, parent.flowId);
    }
    await refuseNothing(tx, runId, parent, records);
    const request = { onConflict, ...(records === undefined ? {} : { records }) };
    const id = await insertRun(tx, ctx, {
      flowId: parent.flowId,
      version: parent.version,
      kind: "undo",
      mode: preview ? "dry" : "live",
      request,
      parentId: runId,
    });
    if (!preview) await audit(tx, ctx, "run.undo", runId, { run: id, onConflict, records: records?.length ?? "all" });
    return { id };
  });
}

async function refuseSecondUndo(tx: Tx, runId: string, flowId: string): Promise<void> {
  const [other] = await tx.$queryRaw<{ id: bigint; since: string | null }[]>`
    SELECT id, request ->> 'since' AS since FROM run
    WHERE (parent_id = ${BigInt(runId)} OR (flow_id = ${flowId} AND request ? 'since')) AND kind = 'undo' AND mode = 'live'
      AND state IN ('queued', 'running', 'waiting') LIMIT 1`;
  if (other === undefined) return;
  const what = other.since === null ? `run ${runId}` : `all runs of this flow since ${other.since}`;
  throw new Conflict("undo-running", `Run ${other.id} is already undoing ${what}. Wait for its end.`, {
    run: other.id.toString(),
  });
}

async function refuseNothing(tx: Tx, runId: string, { createdAt }: Parent, records: string[] | undefined) {
  const [left] = await tx.$queryRaw<{ some: boolean }[]>`
    SELECT EXISTS (SELECT FROM change
      WHERE run_id = ${BigInt(runId)} AND at >= ${createdAt}::timestamptz - interval '1 hour'
        AND state IN ('done', 'unknown') AND undo IN ('possible', 'conflict')
        AND (${records === undefined} OR record_key = ANY(${records ?? []}))) AS some`;
  if (records !== undefined) {
    const known = await tx.$queryRaw<{ key: string }[]>`
      SELECT DISTINCT record_key AS key FROM change
      WHERE run_id = ${BigInt(runId)} AND at >= ${createdAt}::timestamptz - interval '1 hour'
        AND state IN ('done', 'unknown') AND record_key = ANY(${records})`;
    const keys = new Set(known.map(({ key }) => key));
    const unknown = records.filter((key) => !keys.has(key));
    if (unknown.length > 0) throw recordsNotInRun(runId, unknown);
  }
  if (!left?.some)
    throw new Conflict(
      "nothing-to-undo",
      `Nothing ${records === undefined ? "" : "of these records "}is left to undo in run ${runId}: it changed nothing, its changes were put back already, cannot be undone, or are kept in the ledger no longer.`,
    );
}

function recordsNotInRun(runId: string, unknown: string[]): UseCaseError {
  const shown = unknown.slice(0, 5).map((key) => `“${key.slice(0, 60)}”`);
  const more = unknown.length > shown.length ? ` and ${unknown.length - shown.length} more` : "";
  return new UseCaseError(
    `Run ${runId} changed no record with the key ${shown.join(", ")}${more}. Take the keys from its changes.`,
    { status: 404, code: "records-not-in-run", details: { records: unknown.slice(0, 100) } },
  );
}
