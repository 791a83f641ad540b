import { z } from "zod";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { joinKey } from "../../engine/steps/field-access.ts";
import type { ServerContext } from "../context.ts";
import { storableText } from "../db/storable.ts";
import type { JourneyItem } from "../trpc/contract/runs.ts";

export const JourneyOf = z.object({ key: storableText(10_000).min(1, "say which record: its key") });
export type JourneyOf = z.output<typeof JourneyOf>;

/** More than anyone reads; the newest are kept. */
const MOST = 1_000;

/** A key as it is kept, and as a person reads it in the record: "A|7" is kept as "A\|7", so that keys of several fields are told apart. */
export const spellings = (key: string): string[] => [...new Set([key, joinKey([key])])];

type Row = Omit<JourneyItem, "at" | "reason"> & { at: Date; reason: string | null };

/**
 * Everything that happened to a record, in whichever flow, newest last: writes (also put back ones), failures, and where
 * it ended without a write. `key` is its key at the source or in a target.
 */
export async function journeyOf({ pool, workspaceId }: ServerContext, { key }: JourneyOf): Promise<JourneyItem[]> {
  const { rows } = await pool.query<Row>(
    `SELECT e.at, e.flow_id AS flow, coalesce(f.name, e.flow_id) AS "flowName", e.run_id::text AS run, e.step_id AS step,
       e.event, e.before, e.after, e.outcome, e.reason
     FROM (
       (SELECT at, flow_id, run_id, step_id, CASE WHEN undoes IS NULL THEN 'written' ELSE 'undone' END AS event,
          before, after, ${WRITE_OUTCOME} AS outcome, NULL AS reason, 1 AS rank, id::text AS tie
        FROM change WHERE workspace_id = $1 AND record_key = ANY ($2::text[])
          AND (state IN ('done', 'unknown', 'sending')) ORDER BY at DESC LIMIT ${MOST})
       UNION ALL
       (SELECT at, flow_id, run_id, step_id, CASE WHEN undoes IS NULL THEN 'written' ELSE 'undone' END,
          before, after, ${WRITE_OUTCOME}, NULL, 1, id::text
        FROM change WHERE workspace_id = $1 AND source_key = ANY ($2::text[]) AND source_key <> record_key
          AND (state IN ('done', 'unknown', 'sending')) ORDER BY at DESC LIMIT ${MOST})
       UNION ALL
       (SELECT at, flow_id, run_id, step_id, 'failed', NULL, data::json, 'dead', reason, 0, id
        FROM dead_letter WHERE workspace_id = $1 AND key = ANY ($2::text[]) AND state <> 'foreseen' ORDER BY at DESC LIMIT ${MOST})
       UNION ALL
       (SELECT s.at, d.flow_id, s.run_id, d.step_id, 'failed', NULL, NULL, 'dead', s.reason, 0, d.id
        FROM dead_letter d JOIN dead_letter_run s ON s.letter_id = d.id WHERE d.workspace_id = $1 AND d.key = ANY ($2::text[])
        ORDER BY s.at DESC LIMIT ${MOST})
       UNION ALL
       (SELECT closed_at, flow_id, coalesce(replay_run_id, run_id), step_id,
          CASE state WHEN 'dismissed' THEN 'dismissed' ELSE 'replayed' END, NULL, NULL, state,
          CASE state WHEN 'dismissed' THEN note END, 2, id
        FROM dead_letter WHERE workspace_id = $1 AND key = ANY ($2::text[]) AND closed_at IS NOT NULL AND closed_run_id IS NULL
          AND state IN ('dismissed', 'resolved') ORDER BY at DESC LIMIT ${MOST})
       UNION ALL
       (SELECT decided_at, flow_id, coalesce(release_run_id, run_id), step_id, 'decided', NULL, NULL,
          CASE WHEN state = 'cancelled' THEN 'cancelled' WHEN kind = 'wait' THEN 'waited' ELSE CASE port WHEN 'yes' THEN 'approved' ELSE 'declined' END END
            || CASE WHEN decided_by IS NULL THEN '' ELSE ' by ' || decided_by END, NULL, 3, id::text
        FROM held_part WHERE workspace_id = $1 AND key = ANY ($2::text[]) AND decided_at IS NOT NULL ORDER BY decided_at DESC LIMIT ${MOST})
       UNION ALL
       (SELECT at, flow_id, run_id, step_id, 'ended', NULL, NULL, outcome, NULL, 0, id::text
        FROM record_outcome WHERE workspace_id = $1 AND keys && $2::text[] ORDER BY at DESC LIMIT ${MOST})
     ) e LEFT JOIN flow f ON f.id = e.flow_id
     ORDER BY e.at DESC, e.rank DESC, e.tie DESC LIMIT ${MOST}`,
    [workspaceId, spellings(key)],
  );
  return rows.reverse().map(toJourneyItem);
}

const WRITE_OUTCOME = `CASE WHEN state <> 'done' THEN 'unknown' WHEN operation = 'create' THEN 'created'
          WHEN operation = 'update' THEN 'updated' ELSE 'deleted' END`;

function toJourneyItem({ at, before, after, reason, ...row }: Row): JourneyItem {
  const written = row.event === "written" || row.event === "undone";
  return {
    at: at.toISOString(),
    ...row,
    ...(written ? { before: before ?? null } : {}),
    ...(reason === null ? {} : { reason }),
    ...(written || row.event === "failed" ? { after: (after ?? null) as JsonRecord | null } : {}),
  };
}
