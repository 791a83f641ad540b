import { isJsonRecord } from "../../engine/flow/plain.ts";
import { readDraft } from "../../engine/flow/read-draft.ts";
import { nextRunAt, type Timing } from "../../engine/flow/schedule.ts";
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
  const { steps, settings } = readDraft(live?.document).flow;
  const trigger = steps.find(({ kind }) => kind === "read");
  const timing = timingOf(trigger, settings?.timeZone);
  if (timing.kind === "by-hand") {
    await tx.schedule.deleteMany({ where: { flowId } });
    return;
  }
  const data = { timing: timing as Prisma.InputJsonObject, nextRunAt: nextRunAt(timing, new Date()) };
  await tx.schedule.upsert({ where: { flowId }, create: { flowId, workspaceId, ...data }, update: data });
}

const BY_HAND: Timing = { kind: "by-hand" };

/**
 * When a flow starts by the clock (one that follows changes does not): what its read step says, in the step's time zone or the flow's.
 *
 * @param trigger the read step, of a draft perhaps and not valid yet; anything that says no time means by hand
 */
export function timingOf(trigger: unknown, flowTimeZone?: string): Timing {
  if (!isJsonRecord(trigger) || trigger.sync === "changes") return BY_HAND;
  const timeZone = typeof trigger.timeZone === "string" ? trigger.timeZone : flowTimeZone;
  const place = timeZone === undefined ? {} : { timeZone };
  if (typeof trigger.cron === "string") return { kind: "cron", cron: trigger.cron, ...place };
  if (typeof trigger.every === "string") return { kind: "every", every: trigger.every, ...place };
  return BY_HAND;
}
