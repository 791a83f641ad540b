/** A worker task: checks its payload, hands over to a use case, and reports. It decides nothing itself. */
import type { Task } from "graphile-worker";
import type { Logger } from "pino";
import type { z } from "zod";
import type { RunServices } from "../server/runs/execute-run.ts";

export type TaskTools = {
  services: RunServices;
  /** aborted when the worker is asked to stop */
  signal: AbortSignal;
  /** see Presence */
  held(): AbortSignal;
  log: Logger;
  /** runs this process is working on; recovery leaves them alone */
  active: Set<string>;
};

export type TaskDefinition = { name: string; task(tools: TaskTools): Task };

/** Returning ends the job; throwing asks the queue for another attempt with back-off. */
export function defineTask<P>(
  name: string,
  payload: z.ZodType<P>,
  work: (payload: P, tools: TaskTools) => Promise<void>,
): TaskDefinition {
  return {
    name,
    task: (tools) => async (raw) => {
      await work(payload.parse(raw), tools);
    },
  };
}
