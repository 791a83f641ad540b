/** How long a workspace keeps what runs leave behind. */
import { z } from "zod";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import type { Prisma } from "../db/generated/client.ts";

export const RETENTION_DEFAULTS = { ledgerDays: 90, runsDays: 180, lettersDays: 90, auditDays: 365 } as const;

const days = z.number().int().min(1, "at least a day").max(3_650, "at most ten years");

export const Retention = z.object({
  ledgerDays: days.describe("Change ledger with before-images, and the journeys of records. Undo reaches as far back."),
  runsDays: days.describe("Runs that have ended, with the events that began them"),
  lettersDays: days.describe("Failed records that were settled or dismissed; open ones stay"),
  auditDays: days.describe("The audit log"),
});
export type Retention = z.output<typeof Retention>;

/** What is stored, with the defaults for what is not. */
export function retentionOf(settings: unknown): Retention {
  const stored = (settings as { retention?: unknown } | null)?.retention;
  const parsed = Retention.partial().safeParse(stored ?? {});
  return { ...RETENTION_DEFAULTS, ...(parsed.success ? parsed.data : {}) };
}

export async function getRetention({ db, workspaceId }: ServerContext): Promise<Retention> {
  const { settings } = await db.workspace.findUniqueOrThrow({ where: { id: workspaceId }, select: { settings: true } });
  return retentionOf(settings);
}

export async function setRetention(ctx: ServerContext, retention: Retention): Promise<{ ok: true }> {
  const { db, workspaceId } = ctx;
  await db.$transaction(async (tx) => {
    const { settings } = await tx.workspace.findUniqueOrThrow({ where: { id: workspaceId } });
    const next = { ...(settings as Prisma.JsonObject), retention };
    await tx.workspace.update({ where: { id: workspaceId }, data: { settings: next } });
    await audit(tx, ctx, "workspace.update", workspaceId, {
      before: { ...retentionOf(settings) },
      after: { ...retention },
    });
  });
  return { ok: true };
}
