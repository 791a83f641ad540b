import { toBoolean } from "../coerce.ts";
import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { ANY } from "../types.ts";

export const filter = defineFunction({
  name: "FILTER",
  chain: null,
  category: "list",
  summary: "The items for which a condition is TRUE.",
  parameters: [
    { name: "list", type: "list", summary: "items" },
    { name: "condition", type: "each", summary: "a condition over the list, or LAMBDA(item, …)" },
  ],
  returns: ([list]) => list ?? ANY,
  examples: [
    { formula: "FILTER(lines, lines.qty > 0)", record: { lines: [{ qty: 0 }, { qty: 3 }] }, output: [{ qty: 3 }] },
    { formula: "FILTER([1, 2, 3], LAMBDA(n, n > 1))", output: [2, 3] },
    { formula: "FILTER([1, 2], [TRUE])", error: "lists of the same length" },
  ],
  apply: ([list, condition]) => {
    if (typeof condition === "function") return list.filter((item, index) => toBoolean(condition(item, index + 1), 1));
    if (condition.length !== list.length)
      fail("mismatch", `expected lists of the same length, found ${list.length} and ${condition.length} items`, 1);
    return list.filter((_, index) => toBoolean(condition[index]!, 1));
  },
});
