/** How a model is tried out: how many cases, and each of them with its effects in any order. */
import type fc from "fast-check";

/**
 * How many cases a model goes through, and how long it may take. PLUMBLINE_MODEL_RUNS asks for another number: a fuzz of many
 * thousands is one call of the test with it, at low priority (`nice -n 19`). A case that fails is printed with its seed.
 */
export function modelRuns(usual: number): { numRuns: number; timeoutMs: number } {
  const numRuns = Number(process.env.PLUMBLINE_MODEL_RUNS ?? usual);
  return { numRuns, timeoutMs: 120_000 + numRuns * 100 };
}

/**
 * Plays one case with its effects in the order that the scheduler draws, and takes no turn behind its end.
 *
 * @param play a case; it waits for a turn before every effect
 */
export async function inAnyOrder<R>(
  scheduler: fc.Scheduler,
  play: (turn: () => Promise<unknown>) => Promise<R>,
): Promise<R> {
  const played = play(() => scheduler.schedule(Promise.resolve()));
  await scheduler.waitFor(Promise.allSettled([played]));
  return await played;
}
