import { readDraft } from "../../engine/flow/read-draft.ts";
import { nextRunAt, type Timing } from "../../engine/flow/schedule.ts";
import type { Flow } from "../../engine/flow/schema.ts";
import type { ServerContext } from "../context.ts";
import type { Prisma } from "../db/generated/client.ts";
import type { Tx } from "../db/prisma.ts";

/** Sets when the live version starts next by itself, counted from now; a flow started by hand has no schedule. */
export async function schedule(
  tx: Tx,
  { workspaceId }: Pick<ServerContext, "workspaceId">,
  flowId: string,
  version: number | null,
): Promise<void> {
  const live =
    version === null
      ? null
      : await tx.flowVersion.findUnique({ where: { flowId_version: { flowId, version } }, select: { document: true } });
  const timing = live === null ? BY_HAND : timingOf(readDraft(live.document).flow);
  if (timing.kind === "by-hand") {
    await tx.schedule.deleteMany({ where: { flowId } });
    return;
  }
  const data = { timing: timing as Prisma.InputJsonObject, nextRunAt: nextRunAt(timing, new Date()) };
  await tx.schedule.upsert({ where: { flowId }, create: { flowId, workspaceId, ...data }, update: data });
}

const BY_HAND: Timing = { kind: "by-hand" };

/** When a flow starts by itself: what its read step says, in the step's time zone or the flow's. */
export function timingOf({ steps, settings }: Flow): Timing {
  const trigger = steps.find((step) => step.kind === "read");
  if (trigger === undefined) return BY_HAND;
  const zone = trigger.timeZone ?? settings?.timeZone;
  const place = zone === undefined ? {} : { timeZone: zone };
  if (trigger.cron !== undefined) return { kind: "cron", cron: trigger.cron, ...place };
  if (trigger.every !== undefined) return { kind: "every", every: trigger.every, ...place };
  return BY_HAND;
}
