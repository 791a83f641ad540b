import { toBoolean } from "../coerce.ts";
import { defineFunction } from "../function.ts";

export const allItems = defineFunction({
  name: "ALL",
  chain: null,
  category: "list",
  summary: "Whether a condition is TRUE for every item; of an empty list it is.",
  parameters: [
    { name: "list", type: "list", empty: "error", summary: "items, or conditions" },
    { name: "condition", type: "lambda", optional: true, summary: "LAMBDA(item, condition)" },
  ],
  returns: "boolean",
  examples: [
    { formula: "ALL([1, 5], LAMBDA(n, n > 0))", output: true },
    { formula: "ALL([])", output: true },
    { formula: "ALL([1])", error: "expected TRUE or FALSE" },
  ],
  apply: ([list, condition]) =>
    list.every((item, index) => toBoolean(condition ? condition(item, index + 1) : item, condition ? 1 : 0)),
});
