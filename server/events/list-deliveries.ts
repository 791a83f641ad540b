import { z } from "zod";
import { OUTCOMES } from "../../engine/steps/define-step.ts";
import type { ServerContext } from "../context.ts";
import { AnyId } from "../db/storable.ts";
import { NotFound } from "../errors.ts";
import { Limit, NumberCursor, pageOf } from "../paging.ts";
import type { DeliveryItem } from "../trpc/contract/runs.ts";

export const ListDeliveries = z.object({ flowId: AnyId, cursor: NumberCursor.optional(), limit: Limit });
export type ListDeliveries = z.output<typeof ListDeliveries>;

/** More of a body than anyone reads on a screen; the run works with all of it. */
const LONGEST_SHOWN = 20_000;

const LEAST_GOOD = `CASE ${OUTCOMES.map((outcome) => `WHEN r.${outcome} > 0 THEN '${outcome}'`).join(" ")} END`;

type Row = Omit<DeliveryItem, "at" | "lastRepeatAt"> & { at: Date; lastRepeatAt: Date | null };

/**
 * What was sent to a flow's address, newest first. A delivery has the number of its run; its status is the run's state, or
 * `queued` while it waits to be worked on.
 *
 * @throws NotFound no such flow
 */
export async function listDeliveries(
  { pool, workspaceId }: ServerContext,
  { flowId, cursor, limit }: ListDeliveries,
): Promise<{ items: DeliveryItem[]; next: string | null }> {
  const flow = await pool.query("SELECT 1 FROM flow WHERE id = $1 AND workspace_id = $2 AND deleted_at IS NULL", [
    flowId,
    workspaceId,
  ]);
  if (flow.rowCount === 0) throw new NotFound("flow", flowId);
  const { rows } = await pool.query<Row>(
    `SELECT e.id::text, ${LEAST_GOOD} AS outcome, e.id::text AS "runId", e.received_at AS at, e.event_id AS "eventId", coalesce(r.state, 'queued') AS status,
       e.content_type AS "contentType", e.headers, left(e.body, ${LONGEST_SHOWN}) AS body, octet_length(e.body) AS "bodyBytes",
       length(e.body) > ${LONGEST_SHOWN} AS shortened, e.repeats, e.last_repeat_at AS "lastRepeatAt",
       e.replay_of::text AS "replayOf", e.sent_by AS "sentBy"
     FROM inbox_event e LEFT JOIN run r ON r.id = e.id
     WHERE e.flow_id = $1 AND e.workspace_id = $2 AND ($3::bigint IS NULL OR e.id < $3) ORDER BY e.id DESC LIMIT $4`,
    [flowId, workspaceId, cursor ?? null, limit + 1],
  );
  const items = rows.map(
    (row): DeliveryItem => ({
      ...row,
      at: row.at.toISOString(),
      lastRepeatAt: row.lastRepeatAt?.toISOString() ?? null,
    }),
  );
  return pageOf(items, limit, ({ id }) => id);
}
