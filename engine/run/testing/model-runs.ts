/**
 * How many cases a model goes through, and how long it may take. PLUMBLINE_MODEL_RUNS asks for another number: a fuzz of many
 * thousands is one call of the test with it, at low priority (`nice -n 19`). A case that fails is printed with its seed.
 */
export function modelRuns(usual: number): { numRuns: number; timeoutMs: number } {
  const numRuns = Number(process.env.PLUMBLINE_MODEL_RUNS ?? usual);
  return { numRuns, timeoutMs: 120_000 + numRuns * 100 };
}
