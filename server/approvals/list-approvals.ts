import { z } from "zod";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { Question } from "../../engine/steps/define-step.ts";
import { readerOf } from "../../engine/steps/field-access.ts";
import type { ServerContext } from "../context.ts";
import { AnyId } from "../db/storable.ts";
import { stepsOf } from "../flows/read-document.ts";
import { Limit, NumberCursor, pageOf } from "../paging.ts";
import { mayAnswer } from "./answer.ts";

export const ListApprovals = z.object({
  flowId: AnyId.optional(),
  state: z.enum(["open", "answered"]).default("open"),
  cursor: NumberCursor.optional(),
  limit: Limit,
});
export type ListApprovals = z.output<typeof ListApprovals>;

export type ApprovalItem = {
  id: string;
  flow: string;
  flowName: string;
  run: string;
  step: string;
  stepTitle: string;
  question: string | null;
  key: string;
  /** the fields to judge by */
  record: JsonRecord;
  at: string;
  /** when the time for an answer is over, and what counts then */
  until: string | null;
  otherwise: "yes" | "no" | null;
  /** people and roles who may answer; null: operators */
  who: string[] | null;
  /** may the one who asks? */
  mine: boolean;
  decision: "yes" | "no" | null;
  decidedBy: string | null;
  decidedAt: string | null;
  note: string | null;
};

type Row = {
  id: string;
  flow: string;
  flowName: string;
  run: string;
  step: string;
  document: unknown;
  ask: Question;
  key: string;
  data: JsonRecord;
  at: Date;
  until: Date | null;
  port: "yes" | "no" | null;
  decidedBy: string | null;
  decidedAt: Date | null;
  note: string | null;
};

/** Open ones oldest first; answered ones newest first. */
export async function listApprovals(
  ctx: ServerContext,
  { flowId, state, cursor, limit }: ListApprovals,
): Promise<{ items: ApprovalItem[]; next: string | null }> {
  const open = state === "open";
  const { rows } = await ctx.pool.query<Row>(
    `SELECT h.id::text, h.flow_id AS flow, coalesce(f.name, h.flow_id) AS "flowName", h.run_id::text AS run, h.step_id AS step, v.document,
       h.ask, h.key, h.data, h.at, h.due_at AS until, h.port, h.decided_by AS "decidedBy", h.decided_at AS "decidedAt", h.note
     FROM held_part h LEFT JOIN flow f ON f.id = h.flow_id
     LEFT JOIN flow_version v ON v.flow_id = h.flow_id AND v.version = h.version
     WHERE h.workspace_id = $1 AND h.kind = 'approve' AND h.state = ANY($2) AND ($3::text IS NULL OR h.flow_id = $3)
       AND ($4::bigint IS NULL OR h.id ${open ? ">" : "<"} $4)
     ORDER BY h.id ${open ? "" : "DESC"} LIMIT $5`,
    [ctx.workspaceId, open ? ["open"] : ["decided", "released"], flowId ?? null, cursor ?? null, limit + 1],
  );
  const page = pageOf(rows, limit, ({ id }) => id);
  return { items: page.items.map((row) => toItem(ctx, row)), next: page.next };
}

/** How many open ones wait for an answer the one who asks may give. */
export async function countMine(ctx: ServerContext): Promise<{ count: number }> {
  const { rows } = await ctx.pool.query<{ ask: Question; count: number }>(
    "SELECT ask, count(*)::int AS count FROM held_part WHERE workspace_id = $1 AND kind = 'approve' AND state = 'open' GROUP BY ask",
    [ctx.workspaceId],
  );
  return { count: rows.reduce((sum, { ask, count }) => sum + (mayAnswer(ctx, ask) ? count : 0), 0) };
}

function toItem(ctx: ServerContext, { document, ask, data, port, at, until, decidedAt, ...row }: Row): ApprovalItem {
  const title = stepsOf(document).find(({ id }) => id === row.step)?.title;
  return {
    ...row,
    stepTitle: typeof title === "string" ? title : row.step,
    question: ask.question ?? null,
    record: ask.show ? Object.fromEntries(ask.show.map((path) => [path, readerOf(path)(data) ?? null])) : data,
    at: at.toISOString(),
    until: until?.toISOString() ?? null,
    otherwise: until === null ? null : (ask.otherwise ?? "no"),
    who: ask.who ?? null,
    mine: mayAnswer(ctx, ask),
    decision: port,
    decidedAt: decidedAt?.toISOString() ?? null,
  };
}
