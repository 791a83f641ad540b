import type { ServerContext } from "../context.ts";
import { Prisma } from "../db/generated/client.ts";
import type { Tx } from "../db/prisma.ts";
import { enqueueRun } from "../jobs/enqueue.ts";
import { notify } from "../live/notify.ts";
import type { RunKind, RunMode } from "../trpc/contract/runs.ts";

export type NewRun = {
  flowId: string;
  /** null: the run brings its own document, a draft's */
  version: number | null;
  document?: unknown;
  kind: RunKind;
  mode: RunMode;
  /** what the run is about: a limit, how letters are replayed, the choice of an undo */
  request?: { [name: string]: unknown };
  parentId?: string;
};

/**
 * Stores a queued run together with its job and tells the screens, all in the caller's transaction.
 *
 * @returns the run's number
 */
export async function insertRun(tx: Tx, { workspaceId, actor }: ServerContext, run: NewRun): Promise<string> {
  const { id } = await tx.run.create({
    data: {
      workspaceId,
      flowId: run.flowId,
      version: run.version,
      document: run.document === undefined ? Prisma.DbNull : (run.document as Prisma.InputJsonValue),
      kind: run.kind,
      mode: run.mode,
      state: "queued",
      trigger: run.kind === "flow" ? (actor.kind === "token" ? "api" : "manual") : run.kind,
      startedBy: actor.name,
      request: (run.request ?? {}) as Prisma.InputJsonObject,
      parentId: run.parentId === undefined ? null : BigInt(run.parentId),
    },
    select: { id: true },
  });
  const runId = id.toString();
  await enqueueRun(tx, runId);
  await notify(tx, workspaceId, { type: "run", runId, flowId: run.flowId, state: "queued", counts: NO_COUNTS });
  return runId;
}

/** Of a run that has not begun. */
export const NO_COUNTS = {
  read: 0,
  created: 0,
  updated: 0,
  deleted: 0,
  unchanged: 0,
  filtered: 0,
  duplicate: 0,
  dead: 0,
  held: 0,
};
