import { defineFunction } from "../function.ts";
import { ANY } from "../types.ts";

export const first = defineFunction({
  name: "FIRST",
  category: "list",
  summary: "The first item of a list, NULL of an empty one.",
  parameters: [{ name: "list", type: "list", summary: "items" }],
  returns: ([list]) => ({ ...(list?.element ?? ANY), nullable: true }),
  examples: [
    { formula: "FIRST(lines).sku", record: { lines: [{ sku: "A1" }, { sku: "B2" }] }, output: "A1" },
    { formula: "FIRST([])", output: null },
  ],
  apply: ([list]) => list[0] ?? null,
});
