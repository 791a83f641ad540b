import { isEqual } from "../compare.ts";
import { defineFunction } from "../function.ts";

export const containsItem = defineFunction({
  name: "CONTAINSITEM",
  chain: "containsItem",
  category: "list",
  summary: "Whether a list has an item.",
  parameters: [
    { name: "list", type: "list", summary: "items" },
    { name: "item", type: "any", summary: "item to look for" },
  ],
  returns: "boolean",
  examples: [
    { formula: 'CONTAINSITEM(["red", "blue"], "RED")', output: true },
    { formula: "CONTAINSITEM([], 1)", output: false },
  ],
  apply: ([list, item], env) => list.some((candidate) => isEqual(candidate, item, env)),
});
