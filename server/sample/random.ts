/** A small seeded generator (mulberry32), so that every sample company is the same. */
export type Random = {
  /** 0 ≤ x < 1 */
  next(): number;
  /** whole number from 0 to below `n` */
  below(n: number): number;
  pick<T>(items: readonly T[]): T;
  chance(share: number): boolean;
};

export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (n: number) => Math.floor(next() * n);
  return { next, below, pick: (items) => items[below(items.length)] as never, chance: (share) => next() < share };
}
