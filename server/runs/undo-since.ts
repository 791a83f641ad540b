import { z } from "zod";
import type { RunState } from "../../engine/run/states.ts";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import type { Tx } from "../db/prisma.ts";
import { AnyId } from "../db/storable.ts";
import { Conflict, NotFound, Unprocessable } from "../errors.ts";
import { retentionOf } from "../retention/settings.ts";
import { insertRun } from "./insert-run.ts";
import { UndoOptions } from "./undo-run.ts";

export const UndoSinceOptions = UndoOptions.extend({
  since: z.iso
    .datetime({ offset: true })
    .describe("Live runs of the flow that began at this moment or later, its replays and undos among them"),
});
export const UndoSince = UndoSinceOptions.extend({ flowId: AnyId });
export type UndoSince = z.output<typeof UndoSince>;

const DAY_MS = 86_400_000;

/**
 * Queues a run that puts back what all live runs of a flow since a moment changed in its targets: each record goes back to
 * what it was before the first of these writes. The undo is in the ledger itself, so it can be undone too.
 *
 * @returns the undo run; with `preview` it is a dry one
 * @throws NotFound no such flow
 * @throws Conflict `run-not-finished`, `nothing-to-undo`
 * @throws Unprocessable `too-long-ago`: before what the ledger keeps
 */
export async function undoSince(ctx: ServerContext, undo: UndoSince): Promise<{ id: string }> {
  const { flowId, preview, records, onConflict } = undo;
  const since = new Date(undo.since);
  return ctx.db.$transaction(async (tx) => {
    // the lock keeps runs from being started meanwhile; a flow that was removed can still be undone
    const [flow] = await tx.$queryRaw<{ version: number | null }[]>`
      SELECT live_version AS version FROM flow WHERE id = ${flowId} AND workspace_id = ${ctx.workspaceId} FOR UPDATE`;
    if (flow === undefined) throw new NotFound("flow", flowId);
    await refuseForgotten(tx, ctx, since);
    await refuseUnfinished(tx, flowId);
    await refuseNothing(tx, flowId, since, records);
    const request = { since: since.toISOString(), onConflict, ...(records === undefined ? {} : { records }) };
    const mode = preview ? "dry" : "live";
    const id = await insertRun(tx, ctx, { flowId, version: flow.version, kind: "undo", mode, request });
    if (!preview) await audit(tx, ctx, "flow.undo", flowId, { ...request, run: id, records: records?.length ?? "all" });
    return { id };
  });
}

/** What the ledger holds no more cannot be put back; half of it would leave a state that never was. */
async function refuseForgotten(tx: Tx, { workspaceId }: ServerContext, since: Date): Promise<void> {
  const { settings } = await tx.workspace.findUniqueOrThrow({ where: { id: workspaceId } });
  const { ledgerDays, runsDays } = retentionOf(settings);
  const days = Math.min(ledgerDays, runsDays);
  if (since.getTime() >= Date.now() - days * DAY_MS) return;
  throw new Unprocessable(
    "too-long-ago",
    `What was written is kept for ${days} days in this workspace, and ${since.toISOString()} is longer ago. Choose a later moment.`,
    { days },
  );
}

/** Events that wait have written nothing yet. */
async function refuseUnfinished(tx: Tx, flowId: string): Promise<void> {
  const [run] = await tx.$queryRaw<{ id: bigint; state: RunState; kind: string }[]>`
    SELECT id, state, kind FROM run WHERE flow_id = ${flowId} AND mode = 'live' AND state IN ('queued', 'running', 'waiting')
      AND NOT EXISTS (SELECT FROM inbox_queue q WHERE q.flow_id = run.flow_id AND q.id = run.id)
    ORDER BY id LIMIT 1`;
  if (run === undefined) return;
  const what = run.kind === "undo" ? `Run ${run.id}, an undo,` : `Run ${run.id}`;
  throw new Conflict(
    "run-not-finished",
    `${what} of this flow has not ended (${run.state}). Cancel it, or wait for its end; stop the flow so that no other begins.`,
    { run: run.id.toString() },
  );
}

async function refuseNothing(tx: Tx, flowId: string, since: Date, records: string[] | undefined): Promise<void> {
  const [left] = await tx.$queryRaw<{ some: boolean }[]>`
    SELECT EXISTS (SELECT FROM run r CROSS JOIN LATERAL (SELECT FROM change c
        WHERE c.run_id = r.id AND c.at >= ${since}::timestamptz - interval '1 hour' AND c.state IN ('done', 'unknown')
          AND (${records === undefined} OR c.record_key = ANY(${records ?? []})) LIMIT 1) AS written
      WHERE r.flow_id = ${flowId} AND r.mode = 'live' AND r.started_at >= ${since}) AS some`;
  if (left?.some) return;
  const what = records === undefined ? "" : " to these records";
  throw new Conflict(
    "nothing-to-undo",
    `No run of this flow that began since ${since.toISOString()} wrote anything${what}. Runs that began before are not meant, also where they ended later.`,
  );
}
