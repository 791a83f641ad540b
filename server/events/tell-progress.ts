import type pg from "pg";
import { logUnexpected } from "../log.ts";
import { notifyProgress } from "../runs/progress.ts";
import type { EventLease } from "./event-lease.ts";

const EVERY_MS = 250;
const told = new Map<string, { at: number; later?: NodeJS.Timeout }>();

/** Tells the screens how a flow's newest event went, a few times a second at most, and the last one always. */
export function tellProgress(pool: pg.Pool, { flowId }: EventLease, runId: string): void {
  const entry = told.get(flowId) ?? { at: 0 };
  told.set(flowId, entry);
  clearTimeout(entry.later);
  const tell = () => {
    entry.at = Date.now();
    delete entry.later;
    notifyProgress(pool, [runId]).catch((error: unknown) => logUnexpected(error, { run: runId }));
  };
  entry.later = setTimeout(tell, Math.max(20, entry.at + EVERY_MS - Date.now()));
  entry.later.unref();
}
