/** How rows of table `dead_letter` become what screens and the REST interface show. */
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { DeadLetterGroup, DeadLetterItem } from "../trpc/contract/runs.ts";

/**
 * The newest write of the same key by a later run of the flow: replaying the letter would put what is older in its place. What
 * was written of the letter's own record before it failed elsewhere is of its own run.
 */
const NEWER_WRITE = `(SELECT jsonb_build_object('run', n.run_id::text, 'at', n.at) FROM (
    (SELECT c.run_id, c.at FROM change c WHERE c.record_key = d.key AND c.source_key IS NULL AND c.flow_id = d.flow_id
       AND c.workspace_id = d.workspace_id AND c.at > d.at AND c.run_id > d.run_id AND c.state = 'done' AND c.undo <> 'done' AND c.undoes IS NULL
     ORDER BY c.at DESC LIMIT 1)
    UNION ALL
    (SELECT c.run_id, c.at FROM change c WHERE c.source_key = d.key AND c.flow_id = d.flow_id
       AND c.workspace_id = d.workspace_id AND c.at > d.at AND c.run_id > d.run_id AND c.state = 'done' AND c.undo <> 'done' AND c.undoes IS NULL
     ORDER BY c.at DESC LIMIT 1)
  ) n ORDER BY n.at DESC LIMIT 1)`;

/** The columns of an item; the query joins `flow f` to `dead_letter d`, and the document the letter's run ran. */
export const LETTER_COLUMNS = `d.id, d.group_id AS "groupId", d.flow_id AS "flowId", coalesce(f.name, d.flow_id) AS "flowName",
  d.run_id::text AS "runId", d.step_id AS "stepId", d.field, d.key, d.code, d.reason, d.data, d.state, d.attempts, d.at,
  coalesce(d.first_at, d.at) AS "firstSeen", d.closed_run_id::text AS "closedRun",
  (SELECT count(*) FROM dead_letter_run s WHERE s.letter_id = d.id)::float8 AS "earlierRuns",
  CASE WHEN d.state = 'open' AND d.key <> '' THEN ${NEWER_WRITE} END AS newer,
  CASE WHEN d.state IN ('open', 'replaying') THEN (SELECT count(*) FROM parked_record p
    WHERE p.flow_id = d.flow_id AND p.key = d.key) ELSE 0 END::float8 AS parked,
  (SELECT step ->> 'title' FROM jsonb_path_query(coalesce(v.document, r.document), '$.steps[*]') step
    WHERE jsonb_typeof(step) = 'object' AND step ->> 'id' = d.step_id LIMIT 1) AS "stepTitle"`;

export const LETTER_FROM = `dead_letter d LEFT JOIN flow f ON f.id = d.flow_id LEFT JOIN run r ON r.id = d.run_id
  LEFT JOIN flow_version v ON v.flow_id = d.flow_id AND v.version = d.version`;

export type LetterRow = {
  id: string;
  groupId: string;
  flowId: string;
  flowName: string;
  runId: string;
  stepId: string;
  stepTitle: string | null;
  field: string | null;
  key: string;
  code: string;
  reason: string;
  data: JsonRecord;
  state: DeadLetterItem["state"];
  attempts: number;
  parked: number;
  at: Date;
  firstSeen: Date;
  closedRun: string | null;
  earlierRuns: number;
  newer: { run: string; at: string } | null;
};

export function toDeadLetterItem(row: LetterRow): DeadLetterItem {
  return {
    id: row.id,
    group: row.groupId,
    flow: row.flowId,
    flowName: row.flowName,
    run: row.runId,
    step: row.stepId,
    stepTitle: row.stepTitle ?? row.stepId,
    ...(row.field === null ? {} : { field: row.field }),
    key: row.key,
    code: row.code,
    reason: row.reason,
    data: row.data,
    state: row.state,
    attempts: row.attempts,
    parked: row.parked,
    at: row.at.toISOString(),
    firstSeen: row.firstSeen.toISOString(),
    earlierRuns: row.earlierRuns,
    ...(row.newer === null ? {} : { newer: { run: row.newer.run, at: new Date(row.newer.at).toISOString() } }),
    ...(row.closedRun === null ? {} : { settledBy: row.closedRun }),
  };
}

/**
 * Letters by what is wrong with them, the largest group first. Counted per flow first, so that names are looked up once
 * per flow and not once per letter.
 *
 * @param where condition over `dead_letter d`
 */
export const groupsSql = (where: string) => `
  SELECT g.group_id AS id, sum(g.count)::float8 AS count, min(g.code COLLATE "C") AS code, min(g.reason COLLATE "C") AS reason, min(g.step COLLATE "C") AS step,
    min(g.field COLLATE "C") AS field, min(g.first) AS "firstSeen", max(g.last) AS "lastSeen",
    jsonb_agg(jsonb_build_object('id', g.flow_id, 'name', coalesce(f.name, g.flow_id)) ORDER BY f.name, g.flow_id) AS flows
  FROM (
    SELECT d.group_id, d.flow_id, count(*) AS count, min(d.code COLLATE "C") AS code, min(d.group_reason COLLATE "C") AS reason,
      min(d.step_id COLLATE "C") AS step, min(d.field COLLATE "C") AS field, min(coalesce(d.first_at, d.at)) AS first, max(d.at) AS last
    FROM dead_letter d WHERE ${where} GROUP BY d.group_id, d.flow_id
  ) g LEFT JOIN flow f ON f.id = g.flow_id
  GROUP BY g.group_id ORDER BY sum(g.count) DESC, g.group_id`;

export type GroupRow = {
  id: string;
  count: number;
  code: string;
  reason: string;
  step: string;
  field: string | null;
  flows: { id: string; name: string }[];
  firstSeen: Date;
  lastSeen: Date;
};

export function toDeadLetterGroup(row: GroupRow): DeadLetterGroup {
  return {
    id: row.id,
    count: row.count,
    code: row.code,
    reason: row.reason,
    step: row.step,
    ...(row.field === null ? {} : { field: row.field }),
    flows: row.flows,
    firstSeen: row.firstSeen.toISOString(),
    lastSeen: row.lastSeen.toISOString(),
  };
}
