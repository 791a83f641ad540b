import { fail } from "./error.ts";

/** Calls of lambdas and list items looked at that one record may cost; nested lists of thousands stay far below it. */
const MOST_STEPS = 2_000_000;

let steps = 0;

/** Begins the count of a record. Evaluation is synchronous, so one counter serves all formulas. */
export function startWork(): void {
  steps = 0;
}

/**
 * Counts work whose amount the data or the formula decides. Without it a short formula such as
 * `REDUCE(1, SEQUENCE(60), LAMBDA(a, n, [a, a]))` would make a list of 2^60 items to walk through.
 */
export function spend(count = 1): void {
  steps += count;
  if (steps > MOST_STEPS) fail("too_much_work", `more than ${MOST_STEPS} steps for one record; make the lists smaller`);
}
