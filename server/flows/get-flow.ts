import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { ServerContext } from "../context.ts";
import { NotFound } from "../errors.ts";
import { RUN_COLUMNS, RUN_FROM, type RunRow, toRunSummary } from "../runs/run-row.ts";
import type { FlowDetail, Watching } from "../trpc/contract/flows.ts";
import type { RunSummary } from "../trpc/contract/runs.ts";
import { changesBetween } from "./changes-between.ts";
import { hookOf } from "./read-document.ts";
import { validateDocument } from "./validate-document.ts";

type Stored = {
  id: string;
  name: string;
  hookKey: string;
  paused: boolean;
  pausedReason: string | null;
  document: JsonRecord;
  revision: number;
  nextRunAt: Date | null;
  watching: Watching | null;
  liveVersion: number | null;
  liveDocument: unknown;
  note: string | null;
  publishedAt: Date | null;
  publishedBy: string | null;
  changed: boolean;
};

/** A flow with its draft, what is live of it, and its schedule. @throws NotFound */
export async function storedFlow({ pool, workspaceId }: ServerContext, flowId: string): Promise<Stored> {
  const { rows } = await pool.query<Stored>(
    `SELECT f.id, f.name, f.hook_key AS "hookKey", f.paused, f.paused_reason AS "pausedReason", d.document, d.revision, coalesce(s.next_run_at, w.next_at) AS "nextRunAt",
       CASE WHEN w.flow_id IS NOT NULL THEN json_build_object('live', w.live, 'note', w.note) END AS watching,
       f.live_version AS "liveVersion", v.document AS "liveDocument", v.note, v.published_at AS "publishedAt",
       v.published_by AS "publishedBy", coalesce(d.document <> v.document, true) AS changed
     FROM flow f JOIN draft d ON d.flow_id = f.id
     LEFT JOIN flow_version v ON v.flow_id = f.id AND v.version = f.live_version
     LEFT JOIN schedule s ON s.flow_id = f.id LEFT JOIN flow_watch w ON w.flow_id = f.id
     WHERE f.id = $1 AND f.workspace_id = $2 AND f.deleted_at IS NULL`,
    [flowId, workspaceId],
  );
  const [flow] = rows;
  if (flow === undefined) throw new NotFound("flow", flowId);
  return flow;
}

/**
 * The draft with all the editor shows beside it.
 *
 * @throws NotFound no such flow
 */
export async function getFlow(ctx: ServerContext, flowId: string): Promise<FlowDetail> {
  const flow = await storedFlow(ctx, flowId);
  const [{ validation }, lastRun] = await Promise.all([
    validateDocument(ctx, flow.document, flowId),
    lastRunOf(ctx, flowId),
  ]);
  const live =
    flow.liveVersion === null
      ? null
      : {
          version: flow.liveVersion,
          publishedAt: flow.publishedAt?.toISOString() ?? "",
          publishedBy: flow.publishedBy ?? "",
          note: flow.note ?? "",
        };
  return {
    id: flow.id,
    name: flow.name,
    document: flow.document,
    revision: flow.revision,
    validation,
    live,
    changes: live === null || !flow.changed ? [] : changesBetween(flow.liveDocument, flow.document),
    paused: flow.paused,
    pausedReason: flow.pausedReason,
    hook: hookOf(flow.liveDocument ?? flow.document, flow.hookKey) ?? null,
    watching: flow.watching,
    nextRunAt: flow.nextRunAt?.toISOString() ?? null,
    lastRun,
  };
}

/** The run whose counts the canvas shows; an undo or its preview passes no step. */
async function lastRunOf({ pool, workspaceId }: ServerContext, flowId: string): Promise<RunSummary | null> {
  const { rows } = await pool.query<RunRow>(
    `SELECT ${RUN_COLUMNS} FROM ${RUN_FROM} WHERE r.flow_id = $1 AND r.workspace_id = $2 AND r.kind <> 'undo'
     ORDER BY r.id DESC LIMIT 1`,
    [flowId, workspaceId],
  );
  return rows[0] === undefined ? null : toRunSummary(rows[0]);
}
