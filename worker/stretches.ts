/** Works on stretches of big runs, beside the queue: whatever is free, of the run it worked on longest ago. */
import { claimStretch, releaseAbandonedStretches } from "../server/runs/claim-stretch.ts";
import { executeStretch } from "../server/runs/execute-run.ts";
import type { TaskTools } from "./define-task.ts";

const POLL_MS = 500;

export type StretchLanes = {
  /** gives back what the database says this worker holds, and it does not work on */
  releaseAbandoned(): Promise<void>;
  /** waits for what is under way; the worker's signal ends it at the next page */
  stop(): Promise<void>;
};

/** @param limits stretches at a time, and of one run */
export function workOnStretches(
  { services, signal, held, log }: Pick<TaskTools, "services" | "signal" | "held" | "log">,
  limits: { atOnce: number; ofOneRun: number },
): StretchLanes {
  const { pool, workerId } = services;
  /** "run/number" */
  const active = new Map<string, Promise<void>>();
  let recent: string[] = [];
  /** claiming and giving back take turns: what was just claimed must not be taken for abandoned */
  let turn: Promise<void> = Promise.resolve();
  let waiting = false;

  async function fill(): Promise<void> {
    while (active.size < limits.atOnce && !signal.aborted) {
      const runs = [...active.keys()].map((place) => place.slice(0, place.indexOf("/")));
      const busy = [...new Set(runs)].filter((id) => runs.filter((run) => run === id).length >= limits.ofOneRun);
      const stretch = await claimStretch(pool, workerId, { busy, recent });
      if (!stretch) return;
      const { runId } = stretch.lease;
      recent = [...recent.filter((id) => id !== runId), runId].slice(-100);
      const place = `${runId}/${stretch.lease.stretch?.number}`;
      const begun = Date.now();
      const work = executeStretch(services, { stretch, signal: AbortSignal.any([signal, held()]) })
        .then(
          (end) => log.info(`Run ${place}: attempt ${stretch.attempt} ${end} after ${Date.now() - begun} ms`),
          (error: unknown) => log.warn({ err: error }, `Run ${place} was interrupted; it is taken up again`),
        )
        .finally(() => {
          active.delete(place);
          look();
        });
      active.set(place, work);
    }
  }

  function look(): void {
    if (waiting || signal.aborted) return;
    waiting = true;
    turn = turn.then(async () => {
      waiting = false;
      await fill().catch((error: unknown) =>
        log.warn({ err: error }, `Looking for stretches failed; next try in ${POLL_MS} ms`),
      );
    });
  }

  const timer = setInterval(look, POLL_MS);
  look();
  return {
    async releaseAbandoned() {
      const given = turn.then(() => releaseAbandonedStretches(pool, workerId, [...active.keys()]));
      turn = given.catch(() => {});
      await given;
    },
    async stop() {
      clearInterval(timer);
      await turn;
      await Promise.allSettled(active.values());
    },
  };
}
