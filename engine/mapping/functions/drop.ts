import { defineFunction } from "../function.ts";
import { ANY } from "../types.ts";

export const drop = defineFunction({
  name: "DROP",
  category: "list",
  summary: "A list without its first items, with a negative number without the last ones.",
  parameters: [
    { name: "list", type: "list", summary: "items" },
    { name: "count", type: "integer", summary: "how many to leave out" },
  ],
  returns: ([list]) => list ?? ANY,
  examples: [
    { formula: "DROP([1, 2, 3], 1)", output: [2, 3] },
    { formula: "DROP([1, 2, 3], -2)", output: [1] },
    { formula: "DROP([1], 5)", output: [] },
  ],
  apply: ([list, count]) => (count < 0 ? list.slice(0, count) : list.slice(count)),
});
