import { defineFunction } from "../function.ts";
import { sortedBy } from "../sort.ts";
import { ANY } from "../types.ts";

export const sort = defineFunction({
  name: "SORT",
  category: "list",
  summary: "Sorts a list of numbers, texts or dates; empty items come last.",
  parameters: [
    { name: "list", type: "list", summary: "items" },
    { name: "descending", type: "boolean", optional: true, summary: "TRUE: largest first" },
  ],
  returns: ([list]) => list ?? ANY,
  examples: [
    { formula: "SORT([3, NULL, 1.5])", output: [1.5, 3, null] },
    { formula: 'SORT(["b", "A", "c"], TRUE)', output: ["c", "b", "A"] },
    { formula: 'SORT([1, "a"])', error: "cannot compare" },
  ],
  apply: ([list, descending = false], env) => sortedBy(list, list, descending, env),
});
