import { toBoolean } from "../coerce.ts";
import { defineFunction } from "../function.ts";

export const anyItem = defineFunction({
  name: "ANY",
  chain: null,
  category: "list",
  summary: "Whether a condition is TRUE for at least one item.",
  parameters: [
    { name: "list", type: "list", empty: "error", summary: "items, or conditions" },
    { name: "condition", type: "lambda", optional: true, summary: "LAMBDA(item, condition)" },
  ],
  returns: "boolean",
  examples: [
    { formula: "ANY([1, 5], LAMBDA(n, n > 4))", output: true },
    { formula: "ANY(lines.qty = 0)", record: { lines: [{ qty: 2 }] }, output: false },
    { formula: "ANY([1])", error: "expected TRUE or FALSE" },
  ],
  apply: ([list, condition]) =>
    list.some((item, index) => toBoolean(condition ? condition(item, index + 1) : item, condition ? 1 : 0)),
});
