import { z } from "zod";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import { LIVE_CHANNEL } from "../db/listen.ts";
import { AnyId, storableText } from "../db/storable.ts";
import { Conflict, NotFound, Unprocessable } from "../errors.ts";
import { lockFlow } from "../flows/lock-flow.ts";
import { runJob } from "../jobs/enqueue.ts";
import { insertRun, NO_COUNTS } from "./insert-run.ts";

const Moment = z.union([storableText(100).min(1), z.number()]);

export const RunOptions = z.object({
  mode: z.enum(["live", "dry"]).describe("live: the published version; dry: the draft, which writes nothing"),
  limit: z.number().int().min(1).max(1_000_000_000).optional().describe("Stop after reading so many records"),
  backfill: z
    .object({ from: Moment.optional(), until: Moment.optional() })
    .optional()
    .describe("Read this range of the watermark (from: exclusive, until: inclusive) and leave the watermark alone"),
});
export const StartRun = RunOptions.extend({ flowId: AnyId });
export type StartRun = z.output<typeof StartRun>;

/**
 * Queues a run. A live run runs the published version; a dry run foresees what the draft would do.
 *
 * @throws NotFound no such flow
 * @throws Conflict `not-published`, `paused` (live runs only)
 * @throws Unprocessable `waits-for-events`: the flow starts with a webhook (live runs only); `no-range`: a backfill of a flow
 *   that reads all records each time
 */
export async function startRun(
  ctx: ServerContext,
  { flowId, mode, limit, backfill }: StartRun,
): Promise<{ id: string }> {
  if (backfill !== undefined) await refuseWithoutRange(ctx, flowId, mode);
  const request = { ...(limit === undefined ? {} : { limit }), ...(backfill === undefined ? {} : { backfill }) };
  return mode === "dry" ? await startDry(ctx, flowId, request) : await startLive(ctx, flowId, request);
}

/** A flow that reads all records each time would take no notice of the range and read all of them. */
async function refuseWithoutRange({ pool, workspaceId }: ServerContext, flowId: string, mode: StartRun["mode"]) {
  const { rows } = await pool.query<{ name: string; ranged: boolean | null }>(
    `SELECT f.name, jsonb_path_exists(${mode === "dry" ? "d.document" : "v.document"},
       '$.steps[*] ? (@.kind == "read" && (@.sync == "incremental" || @.sync == "changes") && exists(@.watermark))') AS ranged
     FROM flow f JOIN draft d ON d.flow_id = f.id
     LEFT JOIN flow_version v ON v.flow_id = f.id AND v.version = f.live_version
     WHERE f.id = $2 AND f.workspace_id = $1 AND f.deleted_at IS NULL`,
    [workspaceId, flowId],
  );
  if (rows[0]?.ranged === false)
    throw new Unprocessable(
      "no-range",
      `“${rows[0].name}” has no field that tells what changed, so there is no range of it to read. Start a run without a range; it reads all records.`,
    );
}

async function startDry(ctx: ServerContext, flowId: string, request: JsonRecord): Promise<{ id: string }> {
  return await ctx.db.$transaction(async (tx) => {
    await lockFlow(tx, ctx, flowId, "share");
    const { document } = await tx.draft.findUniqueOrThrow({ where: { flowId }, select: { document: true } });
    const id = await insertRun(tx, ctx, { flowId, version: null, document, kind: "flow", mode: "dry", request });
    await audit(tx, ctx, "run.start", flowId, { run: id, mode: "dry", ...request });
    return { id };
  });
}

/**
 * Everything of a start in one statement: flows are started thousands of times in a row by programs, and by others while a
 * person changes them. $1 workspace, $2 flow, $3 trigger, $4 who, $5 request, $6 channel, $7 counts of a run that has not begun
 */
const START = `
  WITH f AS MATERIALIZED (SELECT id, name, live_version, paused FROM flow
    WHERE id = $2 AND workspace_id = $1 AND deleted_at IS NULL FOR SHARE),
  v AS MATERIALIZED (SELECT jsonb_path_exists(v.document, '$.steps[*] ? (@.kind == "webhook" || @.kind == "event")') AS waits
    FROM f JOIN flow_version v ON v.flow_id = f.id AND v.version = f.live_version),
  made AS (INSERT INTO run (workspace_id, flow_id, version, kind, mode, state, trigger, started_by, request)
    SELECT $1, f.id, f.live_version, 'flow', 'live', 'queued', $3, $4, $5::jsonb FROM f, v WHERE NOT v.waits AND NOT f.paused
    RETURNING id),
  job AS (SELECT (${runJob("made.id")}).id FROM made),
  noted AS (INSERT INTO audit (workspace_id, actor, action, subject, detail)
    SELECT $1, $4, 'run.start', $2, jsonb_build_object('run', made.id::text, 'mode', 'live') || $5::jsonb FROM made),
  told AS (SELECT pg_notify($6, json_build_object('ws', $1::text, 'type', 'run', 'runId', made.id::text, 'flowId', $2::text,
      'state', 'queued', 'counts', $7::json)::text) FROM made)
  SELECT f.name, f.live_version AS version, f.paused, v.waits, made.id::text AS id, (SELECT count(job.id) FROM job) AS jobs,
    (SELECT count(*) FROM told) AS told
  FROM f LEFT JOIN v ON true LEFT JOIN made ON true`;

type Started = { name: string; version: number | null; paused: boolean; waits: boolean | null; id: string | null };

async function startLive(ctx: ServerContext, flowId: string, request: JsonRecord): Promise<{ id: string }> {
  const { pool, workspaceId, actor } = ctx;
  const trigger = actor.kind === "token" ? "api" : "manual";
  const values = [workspaceId, flowId, trigger, actor.name, JSON.stringify(request), LIVE_CHANNEL, NO_COUNTS];
  for (let tries = 0; tries < 5; tries++) {
    const { rows } = await pool.query<Started>({ name: "run-start", text: START, values });
    const flow = rows[0];
    if (!flow) throw new NotFound("flow", flowId);
    const { id, name, version, paused, waits } = flow;
    if (id !== null) return { id };
    if (version === null)
      throw new Conflict("not-published", `“${name}” has no published version yet. Publish it, or start a dry run.`);
    if (waits) {
      const message = `“${name}” starts by itself when an event arrives. Send or publish one, or replay a delivery; to try it without writing, start a dry run.`;
      throw new Unprocessable("waits-for-events", message);
    }
    if (paused) throw new Conflict("paused", `“${name}” is stopped. Resume it, then start the run.`);
    // a version was published in this very moment: the flow's row shows it, the statement began too early to see its document
  }
  throw new Error(`Flow ${flowId} names a published version that is not there.`);
}
