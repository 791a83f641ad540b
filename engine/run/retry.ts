/** What a run does about a passing failure: short pauses where it happens, then back-off with jitter, attempts and a time budget. */
import { type FailureInfo, failureOf, IntegrationError } from "../../connectors/sdk/errors.ts";
import type { Json } from "../../connectors/sdk/types.ts";
import type { RunPorts } from "../ports.ts";
import { throwIfHalted } from "./page.ts";

/** `attempts`: tries in all, the first among them. `forMs`: milliseconds since the first failure. */
export type RetryPolicy = { attempts: number; forMs: number };

export const USUAL_ATTEMPTS = 10;

const BASE_MS = 2_000;
const GROWTH = 4;
const LONGEST_MS = 3_600_000;

/**
 * Waits 2, 8, 32 s, 2, 9, 34 min, then 1 h: with the usual 10 attempts about 3 hours 45 minutes in all, less the jitter.
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
  if (failures >= policy.attempts || failingForMs >= policy.forMs) return null;
  const backoff = Math.min(LONGEST_MS, BASE_MS * GROWTH ** (failures - 1)) * (0.5 + random / 2);
  const asked = failure.retryAfterMs === undefined ? 0 : jittered(failure.retryAfterMs, random);
  // the last try may come at the very end of the time budget, not after it
  const left = policy.forMs - failingForMs;
  return Math.round(Math.max(asked, Math.min(backoff, left)));
}

/** At least what was asked for; a little more, so that not all who were told the same come at once. */
export const jittered = (ms: number, random: number) => Math.round(ms + random * Math.min(5_000, ms / 10));

/**
 * The system answers and cannot take anything before somebody or something there has changed: it allows no more requests, its
 * disk is full, it is read-only. No attempt is lost by asking again later; there is no outage to probe for.
 */
const LATER = new Set(["rate-limited", "disk-full", "read-only"]);

/** @returns milliseconds after which it is asked again, however often; undefined for failures that cost an attempt */
export function asksForTime({ kind, code, retryAfterMs }: FailureInfo): number | undefined {
  return kind === "transient" && LATER.has(code) ? retryAfterMs : undefined;
}

/** Waits inside a page, before the run gives its worker back: short blips are over within seconds. */
const IN_PAGE_RETRIES_MS = [200, 800, 2_500];
/** A Retry-After up to this long is waited for in the page. */
const LONGEST_IN_PAGE_WAIT_MS = 5_000;
/** What took so long to fail is no blip. */
const LONGEST_BLIP_MS = 5_000;

/**
 * How long to wait before asking once more where it failed, in milliseconds; null when that is no use.
 *
 * @param attempt how often this was asked again before (≥ 0)
 */
export function inPageWait(failure: FailureInfo, attempt: number): number | null {
  if (failure.kind !== "transient" || failure.code === "target-down" || attempt >= IN_PAGE_RETRIES_MS.length)
    return null;
  const wait = failure.retryAfterMs ?? IN_PAGE_RETRIES_MS[attempt];
  return wait === undefined || wait > LONGEST_IN_PAGE_WAIT_MS ? null : wait;
}

/**
 * Waits for another try in the page.
 *
 * @throws RunHalted as soon as the run is to stop
 */
export async function sleepInPage(ports: Pick<RunPorts, "sleep" | "signal" | "halt">, ms: number): Promise<void> {
  const { halt, signal } = ports;
  throwIfHalted(ports);
  try {
    await ports.sleep(ms, halt ? AbortSignal.any([signal, halt]) : signal);
  } catch (error) {
    if (!signal.aborted) throwIfHalted(ports);
    throw error;
  }
}

export type BlipPorts = Pick<RunPorts, "sleep" | "signal" | "clock" | "halt">;

/** Does work that has no effect outside, and again after short pauses while its failure may pass. @throws its last failure */
export async function throughBlips<T>(ports: BlipPorts, work: () => Promise<T>): Promise<T> {
  const pause = blips(ports);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      await pause(error);
    }
  }
}

/** Reads page by page, on from the last page when a failure may pass. `read` begins at a cursor. @throws its last failure */
export async function* readThroughBlips<P extends { cursor: Json }>(
  ports: BlipPorts,
  begin: Json,
  read: (cursor: Json) => AsyncIterable<P>,
): AsyncGenerator<P> {
  let pause = blips(ports);
  for (let cursor = begin; ; ) {
    try {
      for await (const page of read(cursor)) {
        cursor = page.cursor;
        yield page;
        pause = blips(ports);
      }
      return;
    } catch (error) {
      await pause(error);
    }
  }
}

/** Waits after each failure of one thing, or throws it on. */
function blips(ports: BlipPorts): (error: unknown) => Promise<void> {
  const { signal, clock } = ports;
  const since = clock().getTime();
  let attempt = 0;
  return async (error) => {
    const wait = inPageWait(failureOf(error), attempt++);
    const known = error instanceof IntegrationError && !signal.aborted;
    if (!known || wait === null || clock().getTime() - since > LONGEST_BLIP_MS) throw error;
    await sleepInPage(ports, wait);
  };
}

/** What a try (a dry run, a preview of an undo) says that met a passing failure: it does not wait for a system to come back. */
export function afterTry(message: string, connection: string | undefined): string {
  const when = connection === undefined ? "" : `, or when “${connection}” works again`;
  return `${message} Nothing was written. Try again in a moment${when}.`;
}
