/** Learns what a flow's events carry from those that came last. */
import type pg from "pg";
import type { Field, JsonRecord } from "../../connectors/sdk/types.ts";
import { inferShape } from "../../engine/mapping/infer-shape.ts";
import { parseBody } from "../intake/parse-body.ts";
import { logUnexpected } from "../log.ts";

const EVERY_MS = 10_000;
const MOST_SAMPLES = 100;
const MOST_KEPT = 20;
const LONGEST_BODY = 200_000;
/** all events of a flow are of one kind: its trigger's */
const SUBJECT = "events";

const learnt = new Map<string, number>();

/** Learns in the background, every ten seconds at most. */
export function learnFields(pool: pg.Pool, flow: { flowId: string; workspaceId: string }): void {
  const now = Date.now();
  if (now - (learnt.get(flow.flowId) ?? 0) < EVERY_MS) return;
  learnt.set(flow.flowId, now);
  learnNow(pool, flow).catch((error: unknown) => logUnexpected(error, { flow: flow.flowId }));
}

export async function learnNow(pool: pg.Pool, { flowId, workspaceId }: { flowId: string; workspaceId: string }) {
  const samples = await newestRecords(pool, { flowId, workspaceId }, MOST_SAMPLES);
  if (samples.length === 0) return;
  await pool.query(
    `INSERT INTO learnt_shape (workspace_id, owner, subject, fields, samples, updated_at) VALUES ($1, $2, $3, $4, $5, now())
     ON CONFLICT (workspace_id, owner, subject) DO UPDATE SET fields = excluded.fields, samples = excluded.samples, updated_at = now()`,
    [workspaceId, flowId, SUBJECT, storable(inferShape(samples)), storable(samples.slice(0, MOST_KEPT))],
  );
}

const storable = (value: unknown) => JSON.stringify(value).replaceAll("\\u0000", "\\ufffd");

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
  return rows.flatMap(({ contentType, body }) => parseBody(contentType, body)).slice(0, limit);
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
