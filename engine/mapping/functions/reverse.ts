import { defineFunction } from "../function.ts";
import { ANY } from "../types.ts";

export const reverse = defineFunction({
  name: "REVERSE",
  category: "list",
  summary: "The items in the opposite order.",
  parameters: [{ name: "list", type: "list", summary: "items" }],
  returns: ([list]) => list ?? ANY,
  examples: [
    { formula: "REVERSE([1, 2, 3])", output: [3, 2, 1] },
    { formula: "REVERSE(NULL)", output: null },
  ],
  apply: ([list]) => [...list].reverse(),
});
