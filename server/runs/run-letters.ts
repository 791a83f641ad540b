/** The dead letters of a replay, in pages of letters that enter at the same step. */
import type pg from "pg";
import type { Json, JsonRecord } from "../../connectors/sdk/types.ts";
import type { Plan } from "../../engine/flow/compile.ts";
import type { ReplayPage } from "../../engine/run/execute-flow.ts";

type LetterRow = {
  id: string;
  stepId: string;
  key: string;
  attempts: number;
  code: string;
  runId: string;
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
      `SELECT id, step_id AS "stepId", key, attempts, code, run_id::text AS "runId", data, source FROM dead_letter
       WHERE replay_run_id = $1 AND state = 'replaying' AND (step_id, id) > ($2, $3) ORDER BY step_id, id LIMIT $4`,
      [runId, cursor.step, cursor.id, pageSize],
    );
    if (rows.length === 0) return;
    const step = (rows[0] as LetterRow).stepId;
    const page = rows.filter((row) => row.stepId === step);
    const last = page.at(-1) as LetterRow;
    cursor = { step: last.stepId, id: last.id };
    const position: Json = cursor;
    // what the trigger could not read at all can only start over from its (corrected) data
    const fromStart = from === "start" || step === plan.trigger.id;
    yield {
      plan,
      entry: fromStart ? Object.values(plan.trigger.next).flat() : [step],
      records: page.map((row) => ({ ...(fromStart ? row.source : row.data), ...patch })),
      letters: page.map((row) => ({
        id: row.id,
        key: row.key,
        attempts: row.attempts,
        code: row.code,
        runId: row.runId,
        source: fromStart ? { ...row.source, ...patch } : row.source,
      })),
      cursor: position,
    };
  }
}
