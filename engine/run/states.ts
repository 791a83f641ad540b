/** Run states and the moves between them: one table, used by the executor, the worker's recovery and the screens. */

export const RUN_STATES = [
  "queued",
  "running",
  "waiting",
  "succeeded",
  "succeeded_with_errors",
  "failed",
  "cancelled",
] as const;
export type RunState = (typeof RUN_STATES)[number];

/** From each state, the event that leads on and where it leads. */
export const RUN_MOVES = {
  queued: { claim: "running", cancel: "cancelled", wait: "waiting" },
  running: {
    /** the slice of time is over, or its worker died: another attempt goes on from the checkpoint */
    yield: "queued",
    wait: "waiting",
    succeed: "succeeded",
    "succeed-with-errors": "succeeded_with_errors",
    fail: "failed",
    cancel: "cancelled",
  },
  waiting: { claim: "running", cancel: "cancelled", resume: "queued", fail: "failed" },
  succeeded: {},
  succeeded_with_errors: {},
  failed: {},
  cancelled: {},
} as const satisfies Record<RunState, Partial<Record<string, RunState>>>;

export type RunEvent = "claim" | "yield" | "wait" | "resume" | "succeed" | "succeed-with-errors" | "fail" | "cancel";

/** Where `event` leads from `state`; null when that move does not exist. */
export function move(state: RunState, event: RunEvent): RunState | null {
  const moves: Partial<Record<RunEvent, RunState>> = RUN_MOVES[state];
  return moves[event] ?? null;
}

export function isFinal(state: RunState): boolean {
  return Object.keys(RUN_MOVES[state]).length === 0;
}

/** The states from which `event` is possible, for the WHERE of a compare-and-set. */
export function statesFor(event: RunEvent): RunState[] {
  return RUN_STATES.filter((state) => move(state, event) !== null);
}
