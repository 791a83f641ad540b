import { z } from "zod";
import type { Problem } from "../../engine/steps/define-step.ts";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import { AnyId, storableText } from "../db/storable.ts";
import { NotFound, StaleDraft, Unprocessable } from "../errors.ts";
import { notify } from "../live/notify.ts";
import { listenToTopic } from "../topics/listen-flow.ts";
import { loopsClosed } from "../topics/listeners.ts";
import type { LeftRecorder } from "../trpc/contract/connections.ts";
import { leaveStream } from "../watching/leave-streams.ts";
import { watchStream } from "../watching/watch-flow.ts";
import { lockFlow } from "./lock-flow.ts";
import { hookOf } from "./read-document.ts";
import { schedule } from "./schedule-flow.ts";
import { publishProblemsOf } from "./validate-document.ts";

export const PublishNote = storableText(2_000).trim().min(1, "say in a few words what changed");
export const PublishFlow = z.object({ flowId: AnyId, revision: z.number().int().optional(), note: PublishNote });
export type PublishFlow = z.output<typeof PublishFlow>;

/**
 * Freezes the draft as the next flow version, makes that version the one that runs, and sets its schedule.
 *
 * @param revision revision the editor last read; stops us publishing an edit nobody looked at. Absent: the draft as it is
 * @returns number of the new version, counted from 1, the draft's new revision, and where its events are sent
 * @throws NotFound no such flow
 * @throws StaleDraft someone saved or published in between
 * @throws Unprocessable `has-problems`, with the problems in its details
 */
export async function publishFlow(
  ctx: ServerContext,
  { flowId, revision, note }: PublishFlow,
): Promise<{ version: number; revision: number; hook?: string; recorders?: LeftRecorder[] }> {
  const { workspaceId, actor } = ctx;
  const draft = await ctx.db.draft.findFirst({
    where: { flowId, workspaceId, flow: { deletedAt: null } },
    select: { document: true, revision: true },
  });
  if (draft === null) throw new NotFound("flow", flowId);
  if (revision !== undefined && revision !== draft.revision) throw new StaleDraft(flowId, revision);
  // asks the connections, so it comes before the transaction; the compare-and-set sees to it that this draft is published
  const problems = await publishProblemsOf(ctx, draft.document, flowId);
  refuseProblems(problems);
  const { before, ...published } = await ctx.db.$transaction(async (tx) => {
    const flow = await lockFlow(tx, ctx, flowId, "update");
    const [claimed] = await tx.draft.updateManyAndReturn({
      where: { flowId, workspaceId, revision: draft.revision },
      data: { revision: { increment: 1 } },
      select: { document: true, revision: true },
    });
    if (claimed === undefined) throw new StaleDraft(flowId, draft.revision); // of two publishers, one wins
    const document = claimed.document ?? {};
    refuseProblems(await loopsClosed(tx, ctx, flowId, document));
    const newest = await tx.flowVersion.aggregate({ where: { flowId }, _max: { version: true } });
    const version = (newest._max.version ?? 0) + 1;
    await tx.flowVersion.create({ data: { flowId, version, workspaceId, document, note, publishedBy: actor.name } });
    await tx.flow.update({ where: { id: flowId }, data: { liveVersion: version } });
    if (!flow.paused) await schedule(tx, ctx, flowId, version);
    await listenToTopic(tx, ctx, flowId, document);
    const before = await watchStream(tx, ctx, flowId, document);
    await audit(tx, ctx, "flow.publish", flowId, { version, note, before: flow.liveVersion });
    await notify(tx, workspaceId, { type: "flow", flowId });
    const hook = hookOf(document, flow.hookKey);
    return { before, version, revision: claimed.revision, ...(hook === undefined ? {} : { hook }) };
  });
  const recorders = await leaveStream(ctx, flowId, before);
  return { ...published, ...(recorders.length > 0 ? { recorders } : {}) };
}

function refuseProblems(problems: readonly Problem[]): void {
  const [first] = problems;
  if (!first) return;
  const others = problems.length === 1 ? "" : ` (and ${problems.length - 1} more)`;
  const message = `The flow has problems to mend before it can be published: ${first.message} ${first.remedy}${others}`;
  throw new Unprocessable("has-problems", message, { problems });
}
