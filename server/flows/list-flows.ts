import { timingText } from "../../engine/flow/timing-text.ts";
import { LOOK_EVERY } from "../../engine/steps/read/changes.ts";
import type { ServerContext } from "../context.ts";
import { RUN_COLUMNS, type RunRow, toRunSummary } from "../runs/run-row.ts";
import type { FlowSummary } from "../trpc/contract/flows.ts";
import { healthOf } from "./flow-health.ts";
import { timingOf } from "./schedule-flow.ts";

type Row = {
  id: string;
  name: string;
  liveVersion: number | null;
  draftChanged: boolean;
  paused: boolean;
  pausedReason: string | null;
  updatedAt: Date;
  nextRunAt: Date | null;
  /** of a flow that follows changes: are they recorded? */
  watchLive: boolean | null;
  /** its read step, and the flow's own time zone */
  trigger: unknown;
  timeZone: string | null;
  connections: unknown[];
  openLetters: number;
  /** of the flow's connections, one that cannot be used */
  brokenConnection: { name: string; state: string } | null;
  run: RunRow | null;
};

/** All flows of the workspace by name, each with its health, its last live run and its open dead letters. */
export async function listFlows({ pool, workspaceId }: ServerContext): Promise<FlowSummary[]> {
  const { rows } = await pool.query<Row>(
    `SELECT f.id, f.name, f.live_version AS "liveVersion", f.paused, f.paused_reason AS "pausedReason", coalesce(s.next_run_at, w.next_at) AS "nextRunAt", w.live AS "watchLive",
       greatest(f.updated_at, d.updated_at) AS "updatedAt",
       coalesce(d.document <> v.document, true) AS "draftChanged",
       u.connections, u.trigger, u."timeZone", coalesce(l.open, 0)::float8 AS "openLetters", to_jsonb(b) AS "brokenConnection",
       to_jsonb(x) AS run
     FROM flow f
     JOIN draft d ON d.flow_id = f.id
     LEFT JOIN flow_version v ON v.flow_id = f.id AND v.version = f.live_version
     LEFT JOIN schedule s ON s.flow_id = f.id
     LEFT JOIN flow_watch w ON w.flow_id = f.id
     CROSS JOIN LATERAL (
       SELECT jsonb_path_query_array(doc, '$.steps[*].connection') AS connections,
         jsonb_path_query_first(doc, '$.steps[*] ? (@.kind == "read" || @.kind == "webhook" || @.kind == "event")') AS trigger,
         doc #>> '{settings,timeZone}' AS "timeZone"
       FROM (SELECT coalesce(v.document, d.document) AS doc) AS shown) u
     LEFT JOIN LATERAL (
       SELECT name, state FROM connection k
       WHERE k.workspace_id = f.workspace_id AND k.state IN ('refused', 'unreachable') AND u.connections ? k.name
       ORDER BY state, name LIMIT 1) b ON true
     LEFT JOIN (
       SELECT flow_id, count(*) AS open FROM dead_letter WHERE workspace_id = $1 AND state = 'open' GROUP BY flow_id
     ) l ON l.flow_id = f.id
     LEFT JOIN LATERAL (
       SELECT ${RUN_COLUMNS} FROM run r
       WHERE r.flow_id = f.id AND r.workspace_id = f.workspace_id AND r.mode = 'live'
       ORDER BY r.id DESC LIMIT 1) x ON true
     WHERE f.workspace_id = $1 AND f.deleted_at IS NULL
     ORDER BY lower(f.name), f.id`,
    [workspaceId],
  );
  return rows.map(toFlowSummary);
}

function toFlowSummary(row: Row): FlowSummary {
  const lastRun = row.run === null ? null : toRunSummary(withDates(row.run));
  const nextRunAt = row.nextRunAt?.toISOString() ?? null;
  const { health, healthText } = healthOf({ ...row, lastRun, nextRunAt, follows: row.watchLive === true });
  return {
    id: row.id,
    name: row.name,
    health,
    healthText,
    liveVersion: row.liveVersion,
    draftChanged: row.draftChanged,
    paused: row.paused,
    stoppedItself: row.paused && row.pausedReason !== null,
    timing: timingOfRow(row),
    connections: [...new Set(row.connections.filter((name) => typeof name === "string"))],
    nextRunAt,
    lastRun,
    openLetters: row.openLetters,
    updatedAt: row.updatedAt.toISOString(),
  };
}

function timingOfRow({ trigger, timeZone, watchLive }: Row): string {
  if (waitsForEvents(trigger)) return "when an event arrives";
  const { sync, every = LOOK_EVERY } = (trigger ?? {}) as { sync?: unknown; every?: string };
  if (sync !== "changes") return timingText(timingOf(trigger, timeZone ?? undefined));
  if (watchLive !== false) return "as records change";
  return `${timingText({ kind: "every", every })}, as changes are not recorded`;
}

function waitsForEvents(trigger: unknown): boolean {
  const { kind } = (trigger ?? {}) as { kind?: unknown };
  return kind === "webhook" || kind === "event";
}

/** Times inside a JSON value arrive as text. */
function withDates(run: RunRow): RunRow {
  const date = (value: Date | null) => (value === null ? null : new Date(value));
  return {
    ...run,
    createdAt: new Date(run.createdAt),
    startedAt: date(run.startedAt),
    finishedAt: date(run.finishedAt),
    resumeAt: date(run.resumeAt),
  };
}
