import { defineFunction } from "../function.ts";
import { ANY } from "../types.ts";
import type { Value } from "../value.ts";
import { spend } from "../work.ts";

export const flatten = defineFunction({
  name: "FLATTEN",
  category: "list",
  summary: "Makes one list of lists in lists.",
  parameters: [{ name: "list", type: "list", summary: "items, some of them lists" }],
  returns: () => ({ type: "list", nullable: true, element: ANY }),
  examples: [
    { formula: "FLATTEN([[1, 2], [3, [4]]])", output: [1, 2, 3, 4] },
    { formula: "FLATTEN(NULL)", output: null },
  ],
  apply: ([list]) => {
    const flat: Value[] = [];
    const visit = (item: Value): void => {
      spend();
      if (Array.isArray(item)) item.forEach(visit);
      else flat.push(item);
    };
    list.forEach(visit);
    return flat;
  },
});
