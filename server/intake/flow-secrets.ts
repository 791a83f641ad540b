/** The signing secrets of a flow's webhook: kept encrypted, apart from the document, which is exported. */
import { randomBytes } from "node:crypto";
import { z } from "zod";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import { AnyId, storableText } from "../db/storable.ts";
import { lockFlow } from "../flows/lock-flow.ts";
import { notify } from "../live/notify.ts";
import { decrypt, encrypt } from "../secrets/encrypt.ts";

/** `until`: an earlier secret is taken for a while, so that senders can change over; null = the current one. */
export type FlowSecret = { secret: string; since: string; until: string | null };

const OVERLAP_MS = 24 * 3_600_000;
const SHORTEST = 8;

export const SetHookSecret = z.object({
  flowId: AnyId,
  secret: storableText(500)
    .min(SHORTEST, `expected at least ${SHORTEST} characters`)
    .optional()
    .describe("The secret the sender gave you; absent: a new one is made"),
});
export type SetHookSecret = z.output<typeof SetHookSecret>;

const placeOf = ({ flowId, workspaceId }: { flowId: string; workspaceId: string }) => ({
  workspaceId,
  connectionId: flowId,
});

/** @throws UseCaseError when our key cannot decrypt them */
export function openSecrets(flow: { flowId: string; workspaceId: string }, stored: Uint8Array): FlowSecret[] {
  return JSON.parse(decrypt(stored, placeOf(flow))) as FlowSecret[];
}

/**
 * Sets the secret events are signed with, and shows it this once. The one before is still taken for 24 hours.
 *
 * @throws NotFound no such flow
 */
export async function setHookSecret(
  ctx: ServerContext,
  { flowId, secret: given }: SetHookSecret,
): Promise<{ secret: string; earlierUntil: string | null }> {
  const secret = given ?? `whsec_${randomBytes(24).toString("base64")}`;
  const { workspaceId } = ctx;
  return ctx.db.$transaction(async (tx) => {
    await lockFlow(tx, ctx, flowId, "update");
    const stored = await tx.flowSecret.findUnique({ where: { flowId } });
    const known = stored ? openSecrets({ flowId, workspaceId }, stored.secrets) : [];
    const now = new Date();
    const until = new Date(now.getTime() + OVERLAP_MS).toISOString();
    const earlier = known
      .filter((one) => one.secret !== secret && (one.until === null || Date.parse(one.until) > now.getTime()))
      .map((one) => ({ ...one, until: one.until ?? until }));
    const all: FlowSecret[] = [{ secret, since: now.toISOString(), until: null }, ...earlier];
    const secrets = encrypt(JSON.stringify(all), placeOf({ flowId, workspaceId }));
    await tx.flowSecret.upsert({
      where: { flowId },
      create: { flowId, workspaceId, secrets },
      update: { secrets, updatedAt: now },
    });
    await audit(tx, ctx, "flow.secret", flowId, { given: given !== undefined });
    await notify(tx, workspaceId, { type: "flow", flowId });
    return { secret, earlierUntil: earlier[0]?.until ?? null };
  });
}

/** Whether a flow has a signing secret, and since when; never the secret itself. */
export async function hookSecretState(
  { db, workspaceId }: Pick<ServerContext, "db" | "workspaceId">,
  flowId: string,
): Promise<{ set: boolean; since: string | null }> {
  const stored = await db.flowSecret.findFirst({ where: { flowId, workspaceId }, select: { updatedAt: true } });
  return { set: stored !== null, since: stored?.updatedAt.toISOString() ?? null };
}
