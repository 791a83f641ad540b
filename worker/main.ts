/** The worker: executes runs from the queue, keeps the schedule, and takes over from workers that died. */
import { EventEmitter } from "node:events";
import { flushCompileCache } from "node:module";
import {
  makeWorkerUtils,
  Logger as QueueLogger,
  type Runner,
  run,
  type TaskList,
  type WorkerEvents,
} from "graphile-worker";
import { probeDue } from "../server/connections/guard/probe.ts";
import { softOf } from "../server/db/beside.ts";
import { closeListener } from "../server/db/listen.ts";
import { getDatabase } from "../server/db/prisma.ts";
import { drainEvents } from "../server/events/drain-events.ts";
import { migrateQueue } from "../server/jobs/migrate-queue.ts";
import { log } from "../server/log.ts";
import { showPresence } from "../server/processes/presence.ts";
import { untilItStores } from "../server/processes/until-it-stores.ts";
import { applyRetention } from "../server/retention/apply-retention.ts";
import { recoverRuns, releaseAbandoned } from "../server/runs/recover-runs.ts";
import { startContinuations } from "../server/runs/run-held.ts";
import { startReleases } from "../server/runs/run-parked.ts";
import { startDueRuns } from "../server/runs/start-due-runs.ts";
import { followSampleServer } from "../server/sample/create-sample-company.ts";
import { deliverEvents, forgetOldEvents } from "../server/topics/deliver.ts";
import { followChanges } from "../server/watching/follow-changes.ts";
import type { TaskTools } from "./define-task.ts";
import { every } from "./every.ts";
import { workOnStretches } from "./stretches.ts";
import { tasks } from "./tasks/list.ts";

const CONCURRENCY = Number(process.env.PLUMBLINE_WORKER_CONCURRENCY ?? 8);
const STOP_WITHIN_MS = 9_000;
/**
 * Many runs take milliseconds: their jobs are fetched and put away several at a time. Those fetched while longer runs hold
 * all places go back after half a second, so that another worker can take them.
 */
const SHORT_JOBS = {
  localQueue: { size: CONCURRENCY + 1, ttl: 500 },
  completeJobBatchDelay: 10,
  failJobBatchDelay: 10,
};

/** Stretches of big runs at a time, and of one run: more of those help where a slow system is waited for. */
const STRETCHES = Number(process.env.PLUMBLINE_WORKER_STRETCHES ?? 1);
const ALL_STRETCHES = Math.max(4, STRETCHES);

process.env.PLUMBLINE_POOL_SIZE ??= String(CONCURRENCY * 2 + ALL_STRETCHES * 2 + 6);
const { db, pool } = getDatabase();
const stopping = new AbortController();
const active = new Set<string>();
const poolIds = new Set<string>();

const presence = await untilItStores(async () => {
  await migrateQueue(pool);
  await pool.query("SELECT plumbline_ensure_partitions(14)");
  await followSampleServer({ db });
  return await showPresence(pool, "worker", () => [...poolIds]);
});
const { held } = presence;
const tools: TaskTools = { services: { db, pool, workerId: presence.id }, signal: stopping.signal, held, log, active };

const events: WorkerEvents = new EventEmitter();
events.on("pool:create", ({ workerPool }) => void poolIds.add(workerPool.id));

const taskList: TaskList = Object.fromEntries(tasks.map(({ name, task }) => [name, task(tools)]));
const runner: Runner = await run({
  pgPool: softOf(pool),
  concurrency: CONCURRENCY,
  noHandleSignals: true,
  pollInterval: 1_000,
  taskList,
  crontab: "",
  preset: { worker: SHORT_JOBS },
  logger: new QueueLogger(() => (level, message) => {
    if (level === "error") log.error(message);
    // it counts the sessions it is given as those its jobs work on; ours work on others
    else if (level === "warning" && !message.includes("maxPoolSize")) log.warn(message);
  }),
  events,
});
const utils = await makeWorkerUtils({ pgPool: pool });
const lanes = workOnStretches(tools, { atOnce: ALL_STRETCHES, ofOneRun: STRETCHES });
const draining = await drainEvents({ db, pool, workerId: presence.id, signal: stopping.signal, held });

const following = await followChanges({ db, pool, workerId: presence.id, signal: stopping.signal });

const delivering = await deliverEvents({ db, pool }, stopping.signal);

const clocks = [
  every("schedule", 1_000, async () => {
    for (const id of await startDueRuns(pool)) log.info(`Run ${id} started by its schedule`);
  }),
  every("recovery", 5_000, async () => {
    await releaseAbandoned(pool, presence.id, active);
    await lanes.releaseAbandoned();
    const { deadWorkers, runs } = await recoverRuns(pool);
    const dead = deadWorkers.flatMap((worker) => worker.poolIds);
    if (dead.length > 0) await utils.forceUnlockWorkers(dead);
    for (const { id } of deadWorkers) log.warn(`Process ${id} is gone`);
    if (runs.length > 0) log.info(`Runs taken up again: ${runs.join(", ")}`);
  }),
  every("retention", 600_000, async () => {
    const { partitions, rows } = await applyRetention(pool);
    if (partitions.length + Object.keys(rows).length > 0)
      log.info({ partitions, rows }, "Removed what was kept long enough");
  }),
  every("releases", 1_000, async () => {
    for (const id of await startReleases(pool)) log.info(`Run ${id} gives parked records their turn`);
  }),
  every("continuations", 1_000, async () => {
    for (const id of await startContinuations(pool)) log.info(`Run ${id} lets kept records go on`);
  }),
  every("probe", 500, async () => {
    for (const { connection, up, runs } of await probeDue({ db, pool }))
      log.info(up ? `“${connection}” answers again; ${runs.length} runs go on` : `“${connection}” is still down`);
  }),
  every("old-events", 600_000, async () => {
    await forgetOldEvents(pool);
  }),
  every("partitions", 3_600_000, async () => {
    await pool.query("SELECT plumbline_ensure_partitions(14)");
  }),
];
log.info(`Worker ${presence.id} is ready (${CONCURRENCY} runs at a time)`);
flushCompileCache(); // for the one that takes the place of this one; a worker that is killed could not do it

let ending: Promise<void> | undefined;
function stop(reason: string): Promise<void> {
  ending ??= (async () => {
    log.info(`Worker stops: ${reason}`);
    const hard = setTimeout(() => process.exit(1), STOP_WITHIN_MS);
    hard.unref();
    for (const clock of clocks) clock.stop();
    stopping.abort(new Error("The worker is stopping."));
    const stops = [lanes, draining, following, delivering].map((one) => one.stop());
    await Promise.all([runner.stop().catch(() => {}), ...stops]);
    await closeListener();
    await presence.stop();
    await (async () => utils.release())().catch(() => {}); // a queue that ended by itself has released it
    await pool.end();
    process.exit();
  })();
  return ending;
}
process.on("SIGTERM", () => void stop("SIGTERM"));
process.on("SIGINT", () => void stop("SIGINT"));
// The queue gives up by itself, quietly, when it loses the database in a bad moment. A worker without it would look alive and
// do nothing: it ends, and is started again.
const queueEnded = (error?: unknown) => {
  if (stopping.signal.aborted) return;
  process.exitCode = 1;
  log.error({ err: error }, "The queue ended by itself");
  void stop("the queue ended");
};
for (const event of ["pool:gracefulShutdown", "pool:forcefulShutdown", "stop"] as const)
  events.on(event, () => queueEnded());
runner.promise.then(() => queueEnded(), queueEnded);
