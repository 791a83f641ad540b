import { z } from "zod";
import type { ClaimedRun } from "../../server/db/run-store/claimed-run.ts";
import { wakeEventsOf } from "../../server/events/wait-events.ts";
import { executeRun, type RunDone } from "../../server/runs/execute-run.ts";
import { defineTask } from "../define-task.ts";

/** So long a job goes on with the runs of its flow that waited for one another; then others have their turn. */
const GO_ON_MS = 10_000;

/** Runs one attempt at a run. Its outcome is stored by the use case; only an outage of our database makes the job fail. */
export const runTask = defineTask(
  "run",
  z.object({ runId: z.string() }),
  async ({ runId }, { services, signal, held, log, active }) => {
    const until = performance.now() + GO_ON_MS;
    const goesOn = () => performance.now() < until;
    for (let run: string | ClaimedRun | undefined = runId; run; ) {
      const id: string = typeof run === "string" ? run : run.lease.runId;
      if (active.has(id)) return;
      active.add(id);
      try {
        const done: RunDone | null = await executeRun(services, {
          run,
          signal: AbortSignal.any([signal, held()]),
          goesOn,
        });
        if (!done) await wakeEventsOf(services.pool, id);
        else log.info(`Run ${id}: attempt ${done.attempt} ${done.end} after ${done.durationMs} ms`);
        run = done?.next;
      } finally {
        active.delete(id);
      }
    }
  },
);
