/** Bounded concurrency for per-record systems: records that are about the same thing stay in order. */

/** Runs `work` for every item, at most `concurrency` at once. Each lane (items with the same name) runs in order. */
export async function inLanes<T>(
  items: readonly T[],
  laneOf: (item: T) => string,
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const lanes = new Map<string, T[]>();
  for (const item of items) {
    const name = laneOf(item);
    const lane = lanes.get(name);
    if (lane) lane.push(item);
    else lanes.set(name, [item]);
  }
  const waiting = lanes.values();
  const runner = async () => {
    for (const lane of waiting) for (const item of lane) await work(item);
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(concurrency, lanes.size)) }, runner));
}
