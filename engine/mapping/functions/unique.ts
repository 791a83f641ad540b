import { keyOf } from "../compare.ts";
import { defineFunction } from "../function.ts";
import { ANY } from "../types.ts";

export const unique = defineFunction({
  name: "UNIQUE",
  category: "list",
  summary: "Every item once, the first of equal ones; capitals and small letters are the same.",
  parameters: [{ name: "list", type: "list", summary: "items" }],
  returns: ([list]) => list ?? ANY,
  examples: [
    { formula: 'UNIQUE(["a", "b", "A", 1, 1.0])', output: ["a", "b", 1] },
    { formula: "UNIQUE([])", output: [] },
  ],
  apply: ([list]) => {
    const seen = new Set<string>();
    return list.filter((item) => {
      const key = keyOf(item);
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    });
  },
});
