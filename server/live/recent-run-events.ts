import type { RunState } from "../../engine/run/states.ts";
import type { Db } from "../db/prisma.ts";
import type { LiveEvent } from "../trpc/contract/home.ts";

const mostRuns = 50;

/** The state now of the runs that are under way or ended in the last five minutes: what a screen missed while away. */
export async function recentRunEvents(db: Db, workspaceId: string): Promise<LiveEvent[]> {
  const rows = await db.run.findMany({
    where: {
      workspaceId,
      OR: [
        { state: { in: ["queued", "running", "waiting"] satisfies RunState[] } },
        { finishedAt: { gt: new Date(Date.now() - 5 * 60_000) } },
      ],
    },
    orderBy: { id: "desc" },
    take: mostRuns,
  });
  const held = (row: (typeof rows)[number]) => (row.state === "waiting" ? row.waitingRecords : 0);
  return rows.map((row) => ({
    type: "run",
    runId: String(row.id),
    flowId: row.flowId,
    state: row.state as RunState,
    counts: {
      read: Number(row.read) + held(row),
      created: Number(row.created),
      updated: Number(row.updated),
      deleted: Number(row.deleted),
      unchanged: Number(row.unchanged),
      filtered: Number(row.filtered),
      duplicate: Number(row.duplicate),
      dead: Number(row.dead),
      held: Number(row.held) + held(row),
      ...(row.kind === "undo"
        ? { restored: Number(row.restored), conflict: Number(row.conflict), failed: Number(row.failed) }
        : {}),
    },
  }));
}
