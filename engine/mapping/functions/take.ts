import { defineFunction } from "../function.ts";
import { ANY } from "../types.ts";

export const take = defineFunction({
  name: "TAKE",
  category: "list",
  summary: "The first items of a list, with a negative number the last ones.",
  parameters: [
    { name: "list", type: "list", summary: "items" },
    { name: "count", type: "integer", summary: "how many" },
  ],
  returns: ([list]) => list ?? ANY,
  examples: [
    { formula: "TAKE([1, 2, 3], 2)", output: [1, 2] },
    { formula: "TAKE([1, 2, 3], -1)", output: [3] },
    { formula: "TAKE([1], 0)", output: [] },
  ],
  apply: ([list, count]) => (count < 0 ? list.slice(count) : list.slice(0, count)),
});
