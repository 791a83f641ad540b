/** What ends with a run, as parts of one statement: a tiny run must not pay a way for each. */
import type pg from "pg";
import { runJob } from "../../jobs/enqueue.ts";
import { STILL } from "../lanes.ts";
import type { Lease } from "./lease.ts";
import { reopenLetters } from "./letters.ts";

/**
 * Keys of its dedupe steps and parts of groups that never left go; the next run of the flow that waits for this one's end is
 * queued with its job. Leaves the tables `next` and `job`, which the statement must read.
 *
 * @param run parameter of its id
 * @param flow parameter of the flow's id; null when no run waits for this one (it is a dry one)
 * @param when condition under which all this happens
 */
export const runEnd = (run: string, flow: string, when: string) => `
  keys AS (DELETE FROM seen_key WHERE scope IN (${run}::bigint::text, 'dry:' || ${run}::bigint::text) AND ${when}),
  items AS (DELETE FROM collect_item WHERE run_id = ${run}::bigint AND ${when}),
  parts AS (DELETE FROM collect_waiting WHERE run_id = ${run}::bigint AND ${when}),
  next AS (UPDATE run SET state = 'queued', wait_reason = NULL WHERE id = (
      SELECT id FROM run WHERE flow_id = ${flow}::text AND wait_reason = 'flow-busy' AND ${STILL("waiting")}
        AND stop_request IS NULL AND ${when} ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id),
  job AS (SELECT (${runJob("next.id")}).id FROM next)`;

const END = `WITH ${runEnd("$1", "$2", "true")} SELECT count(job.id) AS next FROM job`;

/** The same, with letters it did not come to, within the transaction that ends the run. */
export async function afterFinish(client: pg.ClientBase, lease: Lease): Promise<void> {
  await client.query({ name: "run-end", text: END, values: [lease.runId, flowToGoOn(lease)] });
  if (lease.kind === "undo") await client.query("DELETE FROM undo_row WHERE undo_run_id = $1", [lease.runId]);
  await reopenLetters(client, lease);
}

/** The flow whose next run may start when this one ends. */
export const flowToGoOn = ({ mode, flowId }: Lease): string | null => (mode === "dry" ? null : flowId);
