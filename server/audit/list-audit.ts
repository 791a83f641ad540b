import { z } from "zod";
import type { ServerContext } from "../context.ts";
import { Limit, NumberCursor, pageOf } from "../paging.ts";
import type { AuditItem } from "../trpc/contract/people.ts";

export const ListAudit = z.object({
  limit: Limit,
  cursor: NumberCursor.optional(),
  subject: z.string().optional().describe("Only what was done to this."),
});

/** What people, tokens and the system changed, newest first. */
export async function listAudit(
  { db, workspaceId }: ServerContext,
  { limit, cursor, subject }: z.infer<typeof ListAudit>,
): Promise<{ items: AuditItem[]; next: string | null }> {
  const rows = await db.audit.findMany({
    where: { workspaceId, ...(subject ? { subject } : {}), ...(cursor ? { id: { lt: BigInt(cursor) } } : {}) },
    orderBy: { id: "desc" },
    take: limit + 1,
  });
  const subjects = [...new Set(rows.map(({ subject }) => subject).filter((subject) => subject !== null))];
  const called = { where: { workspaceId, id: { in: subjects } }, select: { id: true, name: true } };
  const [flows, connections] = await Promise.all([db.flow.findMany(called), db.connection.findMany(called)]);
  const names = new Map([...flows, ...connections].map(({ id, name }) => [id, name]));
  const items = rows.map(({ id, at, actor, action, subject, detail }) => ({
    id: String(id),
    at: at.toISOString(),
    actor,
    action,
    subject,
    subjectName: (subject !== null && names.get(subject)) || null,
    detail,
  }));
  return pageOf(items, limit, ({ id }) => id);
}
