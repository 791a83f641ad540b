/** When too many records have failed for a flow to go on by itself (`settings.stopAt`). */
import type { FlowSettings } from "../flow/schema.ts";
import type { RunFailure } from "../ports.ts";

/** `dead`: a number of dead letters; `deadShare`: 0 … 1 of the records. */
export type StopCondition = { dead?: number; deadShare?: number };

/** A share of fewer records says nothing yet. A run judges page by page and needs no such number. */
const ENOUGH_RECORDS = 20;

export function stopCondition(settings: FlowSettings): StopCondition {
  const dead = settings.stopAt?.dead;
  if (dead === undefined) return {};
  return typeof dead === "number" ? { dead } : { deadShare: Number.parseFloat(dead) / 100 };
}

/** Why a run stops, now that so many of its records failed since it went on the last time; null when it goes on. */
export function runStopped(stop: StopCondition, { read, dead }: { read: number; dead: number }): RunFailure | null {
  const limit = limitReached(stop, { read, dead });
  if (limit === null) return null;
  const message = `Stopped: ${dead} of ${read} records failed, and the flow is set to stop at ${limit}. Look at the failed records, then resume the flow; it goes on where it stopped.`;
  return { code: "stop-condition", message };
}

/** The same for a flow of events. `read`, `dead`: of its last events, EVENTS_WATCHED (schema.ts) of them. */
export function eventsStopped(stop: StopCondition, { read, dead }: { read: number; dead: number }): RunFailure | null {
  const enough = read >= ENOUGH_RECORDS || stop.deadShare === undefined;
  const limit = enough ? limitReached(stop, { read, dead }) : null;
  if (limit === null) return null;
  const message = `Stopped: ${dead} of the last ${read} records failed, and the flow is set to stop at ${limit}. Look at the failed records, then resume the flow; events that come meanwhile wait, and go on in their order.`;
  return { code: "stop-condition", message };
}

function limitReached({ dead: most, deadShare }: StopCondition, { read, dead }: { read: number; dead: number }) {
  if (most !== undefined && dead >= most) return `${most} ${most === 1 ? "record" : "records"}`;
  if (deadShare === undefined || read === 0 || dead / read < deadShare) return null;
  return `${Math.round(deadShare * 1000) / 10} % of the records`;
}
