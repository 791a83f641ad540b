import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { sortedBy } from "../sort.ts";
import { ANY } from "../types.ts";

export const sortBy = defineFunction({
  name: "SORTBY",
  chain: null,
  category: "list",
  summary: "Sorts a list by a value of every item; empty ones come last, equal ones keep their order.",
  parameters: [
    { name: "list", type: "list", summary: "items" },
    { name: "by", type: "each", summary: "values as many as items, or LAMBDA(item, value)" },
    { name: "descending", type: "boolean", optional: true, summary: "TRUE: largest first" },
  ],
  returns: ([list]) => list ?? ANY,
  examples: [
    {
      formula: "SORTBY(lines, lines.pos)",
      record: { lines: [{ pos: 2 }, { pos: 1 }] },
      output: [{ pos: 1 }, { pos: 2 }],
    },
    { formula: "SORTBY([1, 2, 3], LAMBDA(n, MOD(n, 2)), TRUE)", output: [1, 3, 2] },
    { formula: "SORTBY([1, 2], [1])", error: "lists of the same length" },
  ],
  apply: ([list, by, descending = false], env) => {
    const keys = typeof by === "function" ? list.map((item, index) => by(item, index + 1)) : by;
    if (keys.length !== list.length)
      fail("mismatch", `expected lists of the same length, found ${list.length} and ${keys.length} items`, 1);
    return sortedBy(list, keys, descending, env);
  },
});
