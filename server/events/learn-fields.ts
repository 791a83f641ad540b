/** Learns what a flow's events carry from those that came last. */
import type pg from "pg";
import type { Field, JsonRecord } from "../../connectors/sdk/types.ts";
import { inferShape } from "../../engine/mapping/infer-shape.ts";
import { storableJson } from "../db/storable.ts";
import { parseStored } from "../intake/parse-body.ts";
import { logUnexpected } from "../log.ts";

const EVERY_MS = 5_000;
const MOST_SAMPLES = 100;
const MOST_KEPT = 20;
const LONGEST_BODY = 200_000;
/** all events of a flow are of one kind: its trigger's */
const SUBJECT = "events";

/** When a flow's fields were learnt last, and whether they are about to be learnt again. */
const learnt = new Map<string, { at: number; soon: boolean }>();

/** Learns in the background: at once, then every five seconds at most, and from the last events always. */
export function learnFields(pool: pg.Pool, flow: { flowId: string; workspaceId: string }): void {
  const known = learnt.get(flow.flowId) ?? { at: 0, soon: false };
  learnt.set(flow.flowId, known);
  if (known.soon) return;
  const learn = () => {
    known.at = Date.now();
    known.soon = false;
    learnNow(pool, flow).catch((error: unknown) => logUnexpected(error, { flow: flow.flowId }));
  };
  const wait = known.at + EVERY_MS - Date.now();
  known.soon = true;
  if (wait > 0) setTimeout(learn, wait).unref();
  else learn();
}

export async function learnNow(pool: pg.Pool, { flowId, workspaceId }: { flowId: string; workspaceId: string }) {
  const samples = await newestRecords(pool, { flowId, workspaceId }, MOST_SAMPLES);
  if (samples.length === 0) return;
  await pool.query(
    `INSERT INTO learnt_shape (workspace_id, owner, subject, fields, samples, updated_at) VALUES ($1, $2, $3, $4, $5, now())
     ON CONFLICT (workspace_id, owner, subject) DO UPDATE SET fields = excluded.fields, samples = excluded.samples, updated_at = now()`,
    [workspaceId, flowId, SUBJECT, storableJson(inferShape(samples)), storableJson(samples.slice(0, MOST_KEPT))],
  );
}

/** Records of the newest events, newest first. */
export async function newestRecords(
  pool: pg.Pool,
  { flowId, workspaceId }: { flowId: string; workspaceId: string },
  limit: number,
): Promise<JsonRecord[]> {
  const { rows } = await pool.query<{ contentType: string; body: string }>(
    `SELECT content_type AS "contentType", body FROM inbox_event
     WHERE flow_id = $1 AND workspace_id = $2 AND octet_length(body) < $4 ORDER BY id DESC LIMIT $3`,
    [flowId, workspaceId, limit, LONGEST_BODY],
  );
  return rows.flatMap(({ contentType, body }) => parseStored(contentType, body)).slice(0, limit);
}

/** What a flow's events carried so far; undefined before the first. */
export async function learntFields(
  pool: pg.Pool,
  { flowId, workspaceId }: { flowId: string; workspaceId: string },
): Promise<Field[] | undefined> {
  const { rows } = await pool.query<{ fields: Field[] }>(
    "SELECT fields FROM learnt_shape WHERE workspace_id = $1 AND owner = $2 AND subject = $3",
    [workspaceId, flowId, SUBJECT],
  );
  if (rows[0]) return rows[0].fields;
  // events of a flow that rests were not worked on yet
  const samples = await newestRecords(pool, { flowId, workspaceId }, MOST_SAMPLES);
  return samples.length === 0 ? undefined : inferShape(samples);
}
