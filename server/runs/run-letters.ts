/** The dead letters of a replay, in pages of letters that enter at the same step. */
import type pg from "pg";
import type { Json, JsonRecord } from "../../connectors/sdk/types.ts";
import type { Plan } from "../../engine/flow/compile.ts";
import { graphOf, reach } from "../../engine/flow/graph.ts";
import { layOver } from "../../engine/run/lay-over.ts";
import type { ReplayPage } from "../../engine/run/planned-pages.ts";

type LetterRow = {
  id: string;
  stepId: string;
  key: string;
  attempts: number;
  sentAs: string | null;
  data: JsonRecord;
  source: JsonRecord;
};

export type ReplayRequest = { from: "step" | "start"; patch?: JsonRecord };

/** Letters still replaying in this run; those a checkpoint settled are not read again. */
export async function* readLetters(
  pool: pg.Pool,
  runId: string,
  plan: Plan,
  { from, patch }: ReplayRequest,
  pageSize = 500,
): AsyncGenerator<ReplayPage> {
  let cursor = { step: "", id: "" };
  for (;;) {
    const { rows } = await pool.query<LetterRow>(
      `SELECT id, step_id AS "stepId", key, attempts, data, source,
         CASE WHEN code = 'may-have-arrived' THEN (
           SELECT coalesce(c.idempotency_key, format('%s/%s/%s.%s/%s', c.flow_id, c.step_id, c.run_id, c.page, c.record_key))
           FROM change c WHERE c.run_id = d.run_id AND c.step_id = d.step_id AND c.state = 'unknown'
             AND (c.record_key = d.key OR c.source_key = d.key) ORDER BY c.id LIMIT 1) END AS "sentAs"
       FROM dead_letter d WHERE replay_run_id = $1 AND state = 'replaying' AND (step_id, id) > ($2, $3) ORDER BY step_id, id LIMIT $4`,
      [runId, cursor.step, cursor.id, pageSize],
    );
    if (rows.length === 0) return;
    const step = (rows[0] as LetterRow).stepId;
    const page = rows.filter((row) => row.stepId === step);
    const last = page.at(-1) as LetterRow;
    cursor = { step: last.stepId, id: last.id };
    const position: Json = cursor;
    // what the trigger could not read at all can only start over from its (corrected) data
    const fromStart = (from === "start" && !mayBeGroup(plan, step)) || step === plan.trigger.id;
    yield {
      plan,
      entry: fromStart ? Object.values(plan.trigger.next).flat() : [step],
      records: page.map((row) => layOver(fromStart ? row.source : row.data, patch)),
      letters: page.map((row) => ({
        id: row.id,
        key: row.key,
        attempts: row.attempts,
        ...(row.sentAs === null ? {} : { sentAs: row.sentAs }),
        source: fromStart ? layOver(row.source, patch) : row.source,
      })),
      cursor: position,
    };
  }
}

/** After a collect over a run a letter may hold a group, which the trigger never read: it starts over where it failed. */
function mayBeGroup({ flow, order }: Plan, step: string): boolean {
  const collects = order.filter(({ grouping }) => grouping).map(({ id }) => id);
  return collects.length > 0 && reach(graphOf(flow), collects, "along").has(step);
}
