/** Says in a sentence why a run waits. The reasons are those of the column `run.wait_reason`. */
import type { RunSummary } from "../trpc/contract/runs.ts";

const REASONS: { [reason: string]: string } = {
  retry: "The last attempt failed in a way that may pass by itself; the run goes on from its last checkpoint.",
  target: "A system this flow needs does not answer. The run goes on by itself when it is back.",
  credentials: "A system refused the stored credentials; reconnect it under Connections, then the run goes on.",
  "flow-busy": "Another run of this flow is at work; this one starts when that one ends.",
  stopped: "Too many records failed. Look at them, then resume the flow; the run goes on where it stopped.",
  paused: "The flow is stopped; the run goes on when the flow is resumed.",
};
/** What is left to say when the failure was told. */
const AFTER_FAILURE: { [reason: string]: string } = {
  retry: "The run goes on from its last checkpoint.",
  target: "The run goes on by itself when it is back.",
  credentials: "Reconnect it under Connections, then the run goes on.",
};
/** Reasons that the failure which made the run wait tells better. */
const TOLD_BY_FAILURE = new Set(["retry", "target", "credentials", "stopped"]);

/**
 * `null` for a run that does not wait. `until` is when it is tried again at the latest, if that is known.
 *
 * @param failure what made it wait, if anything is stored about it
 */
export function waitingSentence(
  run: { state: string; waitReason: string | null; resumeAt: Date | null; waitConnection: string | null },
  failure?: { message: string } | null,
): RunSummary["waiting"] {
  if (run.state !== "waiting") return null;
  const general = REASONS[run.waitReason ?? ""] ?? "The run waits for its next attempt.";
  const told = failure && TOLD_BY_FAILURE.has(run.waitReason ?? "");
  const reason = told
    ? run.waitReason === "stopped"
      ? failure.message
      : `${failure.message} ${AFTER_FAILURE[run.waitReason ?? ""] ?? general}`
    : general;
  const connectionId = run.waitReason === "target" ? run.waitConnection : null;
  return {
    reason,
    until: run.resumeAt?.toISOString() ?? null,
    ...(connectionId === null ? {} : { connectionId }),
    ...((run.waitReason === "stopped" || run.waitReason === "paused") && { flowStopped: true as const }),
  };
}
