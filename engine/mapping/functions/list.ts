import { defineFunction } from "../function.ts";
import { ANY, eitherType } from "../types.ts";
import type { Value } from "../value.ts";

export const list = defineFunction({
  name: "LIST",
  chain: null,
  category: "list",
  summary: "A list of the values given; [1, 2] means the same.",
  parameters: [{ name: "item", type: "any", optional: true, variadic: true, summary: "items" }],
  returns: (types) => ({ type: "list", nullable: false, element: types.length > 0 ? types.reduce(eitherType) : ANY }),
  examples: [
    { formula: 'LIST("a", 1)', output: ["a", 1] },
    { formula: "LIST()", output: [] },
  ],
  apply: (items) => items as Value[],
});
