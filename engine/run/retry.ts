/** When a run that met a passing failure tries again: exponential back-off with jitter, attempts and a time budget. */
import type { FailureInfo } from "../../connectors/sdk/errors.ts";

export type RetryPolicy = { attempts: number; forMs: number };

const BASE_MS = 2_000;
const LONGEST_MS = 10 * 60_000;

/**
 * @param failures consecutive failures so far, counting this one (≥ 1)
 * @param failingForMs time since the first of them
 * @returns milliseconds to wait, or null when attempts or time are used up
 */
export function nextTry(
  policy: RetryPolicy,
  failures: number,
  failingForMs: number,
  failure: FailureInfo,
  random: number,
): number | null {
  if (failures > policy.attempts || failingForMs >= policy.forMs) return null;
  const backoff = Math.min(LONGEST_MS, BASE_MS * 2 ** (failures - 1));
  const jittered = backoff * (0.5 + random / 2);
  return Math.max(failure.retryAfterMs ?? 0, Math.round(jittered));
}

/** Waits inside a page, before the run gives its worker back: short blips are over within seconds. */
export const IN_PAGE_RETRIES_MS = [200, 800, 2_500];
/** A Retry-After up to this long is waited for in the page. */
export const LONGEST_IN_PAGE_WAIT_MS = 5_000;
