import { z } from "zod";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import type { Tx } from "../db/prisma.ts";
import { AnyId, storableText } from "../db/storable.ts";
import { Conflict, Unprocessable } from "../errors.ts";
import { type LockedFlow, lockFlow } from "../flows/lock-flow.ts";
import { stepsOf } from "../flows/read-document.ts";
import { insertRun } from "./insert-run.ts";

const Moment = z.union([storableText(100).min(1), z.number()]);

export const RunOptions = z.object({
  mode: z.enum(["live", "dry"]).describe("live: the published version; dry: the draft, which writes nothing"),
  limit: z.number().int().min(1).max(1_000_000_000).optional().describe("Stop after reading so many records"),
  backfill: z
    .object({ from: Moment.optional(), until: Moment.optional() })
    .optional()
    .describe("Read this range of the watermark (from: exclusive, until: inclusive) and leave the watermark alone"),
});
export const StartRun = RunOptions.extend({ flowId: AnyId });
export type StartRun = z.output<typeof StartRun>;

/**
 * Queues a run. A live run runs the published version; a dry run foresees what the draft would do.
 *
 * @throws NotFound no such flow
 * @throws Conflict `not-published`, `paused` (live runs only)
 * @throws Unprocessable `waits-for-events`: the flow starts with a webhook (live runs only)
 */
export async function startRun(
  ctx: ServerContext,
  { flowId, mode, limit, backfill }: StartRun,
): Promise<{ id: string }> {
  return ctx.db.$transaction(async (tx) => {
    const flow = await lockFlow(tx, ctx, flowId, "share");
    const request = { ...(limit === undefined ? {} : { limit }), ...(backfill === undefined ? {} : { backfill }) };
    if (mode === "dry") {
      const draft = await tx.draft.findUniqueOrThrow({ where: { flowId }, select: { document: true } });
      const id = await insertRun(tx, ctx, {
        flowId,
        version: null,
        document: draft.document,
        kind: "flow",
        mode,
        request,
      });
      await audit(tx, ctx, "run.start", flowId, { run: id, mode, ...request });
      return { id };
    }
    if (flow.liveVersion === null)
      throw new Conflict(
        "not-published",
        `“${flow.name}” has no published version yet. Publish it, or start a dry run.`,
      );
    await refuseWaiting(tx, flow, flow.liveVersion);
    if (flow.paused) throw new Conflict("paused", `“${flow.name}” is stopped. Resume it, then start the run.`);
    const id = await insertRun(tx, ctx, { flowId, version: flow.liveVersion, kind: "flow", mode, request });
    await audit(tx, ctx, "run.start", flowId, { run: id, mode, ...request });
    return { id };
  });
}

async function refuseWaiting(tx: Tx, { id, name }: LockedFlow, version: number): Promise<void> {
  const live = await tx.flowVersion.findUnique({
    where: { flowId_version: { flowId: id, version } },
    select: { document: true },
  });
  if (!stepsOf(live?.document).some(({ kind }) => kind === "webhook" || kind === "event")) return;
  const message = `“${name}” starts by itself when an event arrives. Send or publish one, or replay a delivery; to try it without writing, start a dry run.`;
  throw new Unprocessable("waits-for-events", message);
}
