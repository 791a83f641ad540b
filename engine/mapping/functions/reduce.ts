import { defineFunction } from "../function.ts";
import { ANY } from "../types.ts";
import type { Value } from "../value.ts";

export const reduce = defineFunction({
  name: "REDUCE",
  chain: null,
  category: "list",
  summary: "Goes through a list with a running result.",
  parameters: [
    { name: "start", type: "any", summary: "first result" },
    { name: "list", type: "list", summary: "items" },
    { name: "step", type: "lambda", summary: "LAMBDA(result, item, next result)" },
  ],
  returns: () => ANY,
  lambda: ([, list]) => [ANY, list?.element ?? ANY],
  examples: [
    { formula: "REDUCE(100, [10, 20], LAMBDA(rest, n, rest - n))", output: 70 },
    { formula: "REDUCE(0, [], LAMBDA(a, n, a + n))", output: 0 },
    { formula: "REDUCE(0, [NULL], LAMBDA(a, n, a + n))", error: "found nothing" },
  ],
  apply: ([start, list, step]) => list.reduce<Value>((result, item) => step(result, item), start),
});
