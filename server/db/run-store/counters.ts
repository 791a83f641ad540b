/** The counters of runs and steps, as a checkpoint adds to them. */
/** the columns of run that count */
export const COUNTERS = [
  "read",
  "created",
  "updated",
  "deleted",
  "unchanged",
  "filtered",
  "duplicate",
  "dead",
  "held",
  "restored",
  "conflict",
  "failed",
] as const;
const STEP_COUNTERS = [
  "in",
  "made",
  "out",
  "joined",
  "created",
  "updated",
  "deleted",
  "unchanged",
  "filtered",
  "duplicate",
  "dead",
  "held",
] as const;

/** Adds the counters `c.d` (a JSON record) to a row of run. */
export const SUMS = COUNTERS.map((name) => `${name} = run.${name} + coalesce((c.d->>'${name}')::bigint, 0)`).join(", ");
const STEP_TYPES = STEP_COUNTERS.map((name) => `"${name}" bigint`).join(", ");
const STEP_NAMES = STEP_COUNTERS.map((name) => `"${name}"`).join(", ");
const STEP_SUMS = STEP_COUNTERS.map((name) => `"${name}" = s."${name}" + excluded."${name}"`).join(", ");

/** Adds the counters of the steps to run_step, for each row of `held`, which names the workspace; the run is $1. */
export const addSteps = (
  held: string,
  steps: string,
) => `INSERT INTO run_step AS s (workspace_id, run_id, step_id, ${STEP_NAMES}, ports)
    SELECT ${held}.workspace_id, $1, r.id, ${STEP_COUNTERS.map((name) => `r."${name}"`).join(", ")}, r.ports
    FROM ${held}, jsonb_to_recordset(${steps}::jsonb) AS r(id text, ${STEP_TYPES}, ports jsonb)
    ON CONFLICT (run_id, step_id) DO UPDATE SET ${STEP_SUMS},
      ports = (SELECT coalesce(jsonb_object_agg(k, coalesce((s.ports->>k)::bigint, 0) + coalesce((excluded.ports->>k)::bigint, 0)), '{}')
        FROM (SELECT jsonb_object_keys(s.ports || excluded.ports) AS k) AS keys)`;
