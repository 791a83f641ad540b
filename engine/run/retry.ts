/** When a run that met a passing failure tries again: exponential back-off with jitter, attempts and a time budget. */
import type { FailureInfo } from "../../connectors/sdk/errors.ts";

export type RetryPolicy = { attempts: number; forMs: number };

const BASE_MS = 2_000;
const GROWTH = 4;
const LONGEST_MS = 3_600_000;

/**
 * Waits 2, 8, 32 s, 2, 9, 34 min, then 1 h: with the usual 8 attempts about 2 hours 45 minutes in all, less the jitter.
 *
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
  const backoff = Math.min(LONGEST_MS, BASE_MS * GROWTH ** (failures - 1)) * (0.5 + random / 2);
  const asked = failure.retryAfterMs === undefined ? 0 : jittered(failure.retryAfterMs, random);
  // the last try may come at the very end of the time budget, not after it
  const left = policy.forMs - failingForMs;
  return Math.round(Math.max(asked, Math.min(backoff, left)));
}

/** At least what was asked for; a little more, so that not all who were told the same come at once. */
export const jittered = (ms: number, random: number) => Math.round(ms + random * Math.min(5_000, ms / 10));

/** Waits inside a page, before the run gives its worker back: short blips are over within seconds. */
export const IN_PAGE_RETRIES_MS = [200, 800, 2_500];
/** A Retry-After up to this long is waited for in the page. */
export const LONGEST_IN_PAGE_WAIT_MS = 5_000;
