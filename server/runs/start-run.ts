import type pg from "pg";
import { z } from "zod";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import { LIVE_CHANNEL } from "../db/listen.ts";
import { AnyId, storableJson, storableText } from "../db/storable.ts";
import { together } from "../db/together.ts";
import { Conflict, NotFound, Unprocessable } from "../errors.ts";
import { lockFlow } from "../flows/lock-flow.ts";
import { runJobs } from "../jobs/enqueue.ts";
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

/** What a start is asked for with. */
type Asked = {
  workspace: string;
  flow: string;
  trigger: "api" | "manual";
  actor: string;
  request: JsonRecord;
};

/**
 * Everything of starts in one statement: flows are started thousands of times in a row by programs, and by others while a
 * person changes them. Those that come at about the same time go together: jobs and screens are told of by NOTIFY, and
 * PostgreSQL lets transactions that do so commit one after the other only. $1 what is asked, $2 channel, $3 counts of a run
 * that has not begun.
 *
 * @param locked what to do about a flow that somebody is changing
 */
const start = (locked: "SKIP LOCKED" | "") => `
  WITH a AS MATERIALIZED (SELECT * FROM json_to_recordset($1::json) AS a(n int, workspace text, flow text, trigger text, actor text, request jsonb)),
  f AS MATERIALIZED (SELECT id, workspace_id, name, live_version, paused FROM flow
    WHERE id = ANY(ARRAY(SELECT flow FROM a)) AND deleted_at IS NULL FOR SHARE ${locked}),
  v AS MATERIALIZED (SELECT f.id, jsonb_path_exists(v.document, '$.steps[*] ? (@.kind == "webhook" || @.kind == "event")') AS waits
    FROM f JOIN flow_version v ON v.flow_id = f.id AND v.version = f.live_version WHERE v.flow_id = ANY(ARRAY(SELECT id FROM f))),
  begun AS MATERIALIZED (SELECT a.*, f.live_version AS version, nextval('run_id_seq') AS id
    FROM a JOIN f ON f.id = a.flow AND f.workspace_id = a.workspace JOIN v ON v.id = f.id WHERE NOT v.waits AND NOT f.paused),
  made AS (INSERT INTO run (id, workspace_id, flow_id, version, kind, mode, state, trigger, started_by, request)
    SELECT id, workspace, flow, version, 'flow', 'live', 'queued', trigger, actor, request FROM begun),
  noted AS (INSERT INTO audit (workspace_id, actor, action, subject, detail)
    SELECT workspace, actor, 'run.start', flow, jsonb_build_object('run', id::text, 'mode', 'live') || request FROM begun),
  job AS (${runJobs("begun")}),
  told AS (SELECT pg_notify($2, json_build_object('ws', workspace, 'type', 'run', 'runId', id::text, 'flowId', flow,
      'state', 'queued', 'counts', $3::json)::text) FROM begun)
  SELECT a.n, f.name, f.live_version AS version, f.paused, v.waits, begun.id::text AS id, (SELECT count(*) FROM job) AS jobs,
    (SELECT count(*) FROM told) AS told
  FROM a LEFT JOIN f ON f.id = a.flow AND f.workspace_id = a.workspace LEFT JOIN v ON v.id = f.id LEFT JOIN begun ON begun.n = a.n`;

type Started = {
  name: string | null;
  version: number | null;
  paused: boolean;
  waits: boolean | null;
  id: string | null;
};

async function startAll(sessions: pg.Pool, asked: Asked[], locked: Parameters<typeof start>[0]): Promise<Started[]> {
  const { rows } = await sessions.query<Started & { n: number }>({
    name: locked === "" ? "run-start" : "runs-start",
    text: start(locked),
    values: [storableJson(asked.map((one, n) => ({ n, ...one }))), LIVE_CHANNEL, NO_COUNTS],
  });
  return rows.toSorted((one, other) => one.n - other.n);
}

/** A flow that somebody is changing is passed over here, as it would hold up all others. */
const startTogether = together<Asked, Started>({
  most: 50,
  work: (lanes, asked) => startAll(lanes, asked, "SKIP LOCKED"),
});

async function startLive(ctx: ServerContext, flowId: string, request: JsonRecord): Promise<{ id: string }> {
  const { pool, workspaceId, actor } = ctx;
  const trigger = actor.kind === "token" ? "api" : "manual";
  const asked: Asked = { workspace: workspaceId, flow: flowId, trigger, actor: actor.name, request };
  const begun = await startTogether(pool, asked);
  if (begun.id !== null) return { id: begun.id };
  // by itself, and behind whoever is changing the flow: this time the answer counts
  for (let tries = 0; tries < 5; tries++) {
    const [flow] = await startAll(pool, [asked], "");
    if (!flow || flow.name === null) throw new NotFound("flow", flowId);
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
