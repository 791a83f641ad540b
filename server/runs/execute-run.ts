/** One attempt at a run: takes hold of it, lets the engine run it, and stores how it went. */
import type pg from "pg";
import { failureOf, IntegrationError } from "../../connectors/sdk/errors.ts";
import type { Json, JsonRecord } from "../../connectors/sdk/types.ts";
import type { Plan } from "../../engine/flow/compile.ts";
import { ConnectionFailed, LeaseLost, type RunPorts } from "../../engine/ports.ts";
import {
  executeContinuation,
  executeFlow,
  executeRelease,
  executeReplay,
  type FlowCursor,
  type FlowJob,
  retryPolicy,
} from "../../engine/run/execute-flow.ts";
import { executeUndo } from "../../engine/run/execute-undo.ts";
import { RunHalted } from "../../engine/run/page.ts";
import { recoverWhatAnswers } from "../../engine/run/recover.ts";
import { afterTry, nextTry, throughBlips } from "../../engine/run/retry.ts";
import { type AttemptEnd, type AttemptState, waitHalted } from "../../engine/run/run-pages.ts";
import type { Db } from "../db/prisma.ts";
import type { ClaimedRun } from "../db/run-store/claimed-run.ts";
import { markAnswering } from "../db/run-store/end.ts";
import { forgetUnsaved } from "../db/run-store/ledger.ts";
import { openLetterKeys } from "../db/run-store/letters.ts";
import { runStore } from "../db/run-store/store.ts";
import type { Succession } from "../db/run-store/whole-run.ts";
import { sideBySide } from "../db/together.ts";
import { eventPages } from "../events/try-events.ts";
import { settingsOf } from "../flows/read-document.ts";
import { logUnexpected } from "../log.ts";
import { claimRun, documentOf } from "./claim-run.ts";
import type { ClaimedStretch } from "./claim-stretch.ts";
import { divideRun, divisionOf } from "./divide-run.ts";
import { isOutage } from "./outage.ts";
import { progressTeller } from "./progress.ts";
import { type RunConnections, runConnections } from "./run-connections.ts";
import { readKept } from "./run-held.ts";
import { type ReplayRequest, readLetters } from "./run-letters.ts";
import { readParked } from "./run-parked.ts";
import { planFor } from "./run-plans.ts";
import { readUndoRows, type UndoRequest, undoNotes } from "./run-undo.ts";
import { gatherChanges, readFoldedRows } from "./run-undo-since.ts";
import { watchStop } from "./stop-watch.ts";

export type RunServices = { db: Db; pool: pg.Pool; workerId: string; sliceMs?: number };

/** A worker is given back after so long; the run goes on as a new job. */
const SLICE_MS = 20_000;

export type RunRequest = {
  /** a run to take hold of, or one that was taken when the one before it ended */
  run: string | ClaimedRun;
  signal: AbortSignal;
  /** whether to take the next run of the flow when this one ends; absent: that is queued */
  goesOn?(): boolean;
};

/** `next`: the run of the same flow that waited for this one's end, taken for this worker. */
export type RunDone = { end: AttemptEnd; attempt: number; durationMs: number; next?: ClaimedRun };

/**
 * Runs one attempt. Returns how it ended, or null when there was nothing to do.
 *
 * @throws on an outage of our own database only; the queue tries again then
 */
export async function executeRun(services: RunServices, request: RunRequest): Promise<RunDone | null> {
  return await sideBySide(() => takeAndExecute(services, request));
}

async function takeAndExecute(
  services: RunServices,
  { run: asked, signal, goesOn }: RunRequest,
): Promise<RunDone | null> {
  const begun = Date.now();
  const run = typeof asked === "string" ? await claimRun(services.pool, asked, services.workerId) : asked;
  if (!run) return null;
  const done = { attempt: run.attempt };
  if (run.stretches !== null) return { ...done, end: "yielded", durationMs: Date.now() - begun };
  let next: ClaimedRun | undefined;
  const succession: Succession = {
    worker: () => (goesOn?.() && !signal.aborted ? services.workerId : null),
    take: (taken) => {
      next = taken;
    },
  };
  const end = await execute(services, run, { signal, succession });
  return { ...done, end, durationMs: Date.now() - begun, ...(next && { next }) };
}

/** Runs one attempt at a stretch that was claimed. @throws as `executeRun` does */
export async function executeStretch(
  services: RunServices,
  { stretch, signal }: { stretch: ClaimedStretch; signal: AbortSignal },
): Promise<AttemptEnd> {
  return await execute(services, stretch, { signal, range: stretch.range });
}

async function execute(
  services: RunServices,
  run: ClaimedRun,
  { signal, succession, range }: { signal: AbortSignal; succession?: Succession; range?: Json },
): Promise<AttemptEnd> {
  const { db, pool } = services;
  const { runId } = run.lease;
  const tell = progressTeller(pool, runId);
  const store = runStore(pool, run.lease, { checkpointed: tell, ...(succession && { succession }) });
  const stop = watchStop(pool, runId);
  const connections = runConnections({ db, pool }, run.lease.workspaceId, { hurry: run.trigger === "changes" });
  const live: RunPorts = {
    store,
    connection: connections.connection,
    connectionById: connections.connectionById,
    clock: () => new Date(),
    sleep: abortableSleep,
    isOutage,
    isDown: connections.isDown,
    report: (error) => void logUnexpected(error, { run: runId }),
    random: Math.random,
    signal,
    halt: stop.halt,
  };
  const ports = run.lease.mode === "dry" ? openingThroughBlips(live) : live;
  tell(false);
  try {
    const end = await attempt(services, run, { ports, connections, range });
    if (run.attempt > 1 && (end === "finished" || end === "yielded")) await markAnswering(pool, run.lease);
    return end;
  } finally {
    stop.end();
    connections.release();
  }
}

async function attempt(
  services: RunServices,
  run: ClaimedRun,
  { ports, connections, range }: { ports: RunPorts; connections: RunConnections; range: Json | undefined },
): Promise<AttemptEnd> {
  const { lease } = run;
  if (run.attempt > 1 && (lease.mode === "dry" || lease.kind === "undo")) await forgetUnsaved(services.pool, lease);
  if (run.stopRequest === "cancel") return await cancelled(run, ports);
  const sliceMs = services.sliceMs ?? SLICE_MS;
  const state: AttemptState = {
    runId: lease.runId,
    page: run.checkpoint?.page ?? 0,
    totals: run.totals,
    failures: run.failures,
    failingSince: run.failingSince,
    stoppedAt: run.checkpoint?.memory.stoppedAt ?? null,
  };
  if (lease.kind === "undo") {
    const request = run.request as UndoRequest;
    const job = {
      state,
      attempt: run.attempt,
      force: request.onConflict === "force",
      preview: lease.mode === "dry",
      sliceMs,
    };
    return await executeUndo(
      job,
      { ...ports, note: undoNotes(services.pool, lease) },
      await undoPages(services, run, request),
    );
  }
  let plan: Plan;
  try {
    const document = () => documentOf(services.pool, run);
    const planned = () => planFor({ flowId: lease.flowId, version: lease.version, document }, connections);
    plan = lease.mode === "dry" ? await throughBlips(ports, planned) : await planned();
  } catch (error) {
    return await planFailed(services.pool, run, ports, error);
  }
  const watermark = lease.kind === "flow" ? await readWatermark(services.pool, lease.flowId, plan.trigger) : null;
  const division = await divisionOf(run, plan, watermark, ports);
  if (division) {
    const divided = await divideRun(services.pool, lease, division).catch((error: unknown) => {
      if (error instanceof LeaseLost) return null;
      throw error;
    });
    if (divided !== false) return divided ? "yielded" : "lost";
  }
  const job: FlowJob = {
    state,
    flowId: lease.flowId,
    mode: lease.mode,
    cursor: (run.checkpoint?.cursor ?? null) as FlowCursor | null,
    watermark: null,
    now: run.startedAt,
    sliceMs,
    attempt: run.attempt,
    ...(range === undefined ? {} : { range }),
  };
  if (lease.kind === "replay" && run.request.release === true) {
    const parked = readParked(services.pool, lease.flowId, run.checkpoint?.cursor ?? null);
    return await executeRelease(job, ports, parked, plan);
  }
  if (lease.kind === "replay" && run.request.continue === true) {
    const kept = readKept(services.pool, { flowId: lease.flowId, version: lease.version ?? 0 });
    return await executeContinuation(job, ports, kept, plan);
  }
  if (lease.kind === "replay") {
    const request = run.request as ReplayRequest & JsonRecord;
    return await executeReplay(job, ports, readLetters(services.pool, lease.runId, plan, request), plan);
  }
  const { limit, backfill } = run.request as {
    limit?: number;
    backfill?: { from?: string | number; until?: string | number };
  };
  if (limit !== undefined) job.limit = limit;
  if (backfill)
    job.backfill = { from: backfill.from ?? null, ...(backfill.until === undefined ? {} : { to: backfill.until }) };
  if (plan.trigger.step.kind === "webhook" || plan.trigger.step.kind === "event") {
    const asked = { flowId: lease.flowId, limit: job.limit, cursor: run.checkpoint?.cursor ?? null };
    const pages = eventPages({ pool: services.pool, workspaceId: lease.workspaceId }, plan, asked);
    return await executeRelease(job, ports, pages, plan);
  }
  job.watermark = watermark;
  if (run.openLetters && job.mode === "live") {
    const openLetters = await openLetterKeys(services.pool, lease);
    if (openLetters) job.openLetters = openLetters;
  }
  return await executeFlow(plan, job, ports);
}

async function undoPages({ pool }: RunServices, { lease, parentId, checkpoint }: ClaimedRun, request: UndoRequest) {
  const cursor = checkpoint?.cursor ?? null;
  const { since, records, onConflict } = request;
  if (since === undefined)
    return readUndoRows(pool, parentId ?? "0", { records, preview: lease.mode === "dry" }, cursor);
  if ((checkpoint?.page ?? 0) === 0) await gatherChanges(pool, lease, { since, records });
  return readFoldedRows(pool, lease, onConflict === "force", cursor);
}

/** Ends the run without sending anything more; what an attempt before left half sent is looked up first, where that can be done. */
async function cancelled({ lease, attempt }: ClaimedRun, ports: RunPorts): Promise<AttemptEnd> {
  if (attempt > 1 && lease.mode === "live") await recoverWhatAnswers(ports);
  await ports.store.finish({ state: "cancelled" });
  return "finished";
}

async function readWatermark(pool: pg.Pool, flowId: string, { step }: Plan["trigger"]) {
  if (step.kind !== "read" || (step.sync ?? "full") === "full") return null;
  const { rows } = await pool.query<{ watermark: FlowJob["watermark"] }>({
    name: "run-watermark",
    text: "SELECT watermark FROM flow_position WHERE flow_id = $1 AND step_id = $2",
    values: [flowId, step.id],
  });
  return rows[0]?.watermark ?? null;
}

/** The flow could not even be planned: a connection does not answer (wait), or something must be mended (fail). */
async function planFailed(pool: pg.Pool, run: ClaimedRun, ports: RunPorts, error: unknown): Promise<AttemptEnd> {
  if (ports.isOutage(error)) throw error;
  if (error instanceof RunHalted) return await waitHalted(ports);
  const info = failureOf(error);
  const failure = { code: info.code, message: info.message };
  const known = error instanceof IntegrationError;
  const connection = error instanceof ConnectionFailed ? error.connection : undefined;
  if (known && run.lease.mode === "live" && info.kind === "credentials") {
    await ports.store.wait({ reason: "credentials", resumeAt: null, failure, connection, counted: false });
    return "waiting";
  }
  if (connection !== undefined && run.lease.mode === "live" && (await ports.isDown(connection, info))) {
    await ports.store.wait({ reason: "target", resumeAt: null, failure, connection, counted: false });
    return "waiting";
  }
  if (known && run.lease.mode === "live" && info.kind === "transient") {
    const now = ports.clock();
    const failingForMs = run.failingSince ? now.getTime() - run.failingSince.getTime() : 0;
    const policy = retryPolicy(settingsOf(await documentOf(pool, run)));
    const waitMs = nextTry(policy, run.failures + 1, failingForMs, info, ports.random());
    if (waitMs !== null) {
      const resumeAt = new Date(now.getTime() + waitMs);
      await ports.store.wait({ reason: "retry", resumeAt, failure, connection, counted: true });
      return "waiting";
    }
  }
  const tried = run.lease.mode === "dry" && info.kind === "transient";
  const told = tried ? { ...failure, message: afterTry(info.message, connection) } : failure;
  await ports.store.finish({
    state: "failed",
    error: known ? told : { code: "internal", message: failure.message },
  });
  return "finished";
}

/** A dry run has one attempt: a connection that cannot be opened just now is tried a few times. */
function openingThroughBlips(ports: RunPorts): RunPorts {
  return {
    ...ports,
    connection: (name) => throughBlips(ports, () => ports.connection(name)),
    connectionById: (id) => throughBlips(ports, () => ports.connectionById(id)),
  };
}

function abortableSleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const done = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", done);
      resolve();
    }, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
