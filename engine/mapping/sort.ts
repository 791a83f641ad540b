import { compareValues } from "./compare.ts";
import type { MappingEnv } from "./types.ts";
import type { Value } from "./value.ts";

/** The items in the order of their keys; empty keys last, equal ones in their old order. */
export function sortedBy(
  items: readonly Value[],
  keys: readonly Value[],
  descending: boolean,
  env: MappingEnv,
): Value[] {
  const order = items.map((_, index) => index);
  order.sort((a, b) => {
    const left = keys[a] ?? null;
    const right = keys[b] ?? null;
    if (left === null || right === null) return (left === null ? 1 : 0) - (right === null ? 1 : 0);
    return descending ? compareValues(right, left, env) : compareValues(left, right, env);
  });
  return order.map((index) => items[index]!);
}
