import { defineFunction } from "../function.ts";
import { ANY } from "../types.ts";

export const last = defineFunction({
  name: "LAST",
  category: "list",
  summary: "The last item of a list, NULL of an empty one.",
  parameters: [{ name: "list", type: "list", summary: "items" }],
  returns: ([list]) => ({ ...(list?.element ?? ANY), nullable: true }),
  examples: [
    { formula: 'LAST(SPLIT("a/b/c", "/"))', output: "c" },
    { formula: "LAST([])", output: null },
  ],
  apply: ([list]) => list.at(-1) ?? null,
});
