import { defineFunction } from "../function.ts";

export const xor = defineFunction({
  name: "XOR",
  chain: null,
  category: "logic",
  summary: "TRUE when an odd number of the conditions is TRUE: of two, exactly one.",
  parameters: [{ name: "condition", type: "boolean", empty: "error", variadic: true, summary: "conditions" }],
  returns: "boolean",
  examples: [
    { formula: "XOR(TRUE, FALSE)", output: true },
    { formula: "XOR(TRUE, TRUE)", output: false },
    { formula: "XOR(TRUE, NULL)", error: "found nothing" },
  ],
  apply: (conditions) => conditions.filter(Boolean).length % 2 === 1,
});
