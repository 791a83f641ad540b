import { z } from "zod";
import { wakeEventsOf } from "../../server/events/wait-events.ts";
import { executeRun } from "../../server/runs/execute-run.ts";
import { defineTask } from "../define-task.ts";

/** Runs one attempt at a run. Its outcome is stored by the use case; only an outage of our database makes the job fail. */
export const runTask = defineTask(
  "run",
  z.object({ runId: z.string() }),
  async ({ runId }, { services, signal, held, log, active }) => {
    if (active.has(runId)) return;
    active.add(runId);
    try {
      const done = await executeRun(services, { runId, signal: AbortSignal.any([signal, held()]) });
      if (!done) await wakeEventsOf(services.pool, runId);
      else log.info(`Run ${runId}: attempt ${done.attempt} ${done.end} after ${done.durationMs} ms`);
    } finally {
      active.delete(runId);
    }
  },
);
