import { isEqual } from "../compare.ts";
import { defineFunction } from "../function.ts";

export const oneOf = defineFunction({
  name: "ONEOF",
  chain: "oneOf",
  category: "logic",
  summary: "Whether a value is one of others.",
  parameters: [
    { name: "value", type: "any", summary: "value to test" },
    { name: "allowed", type: "any", variadic: true, summary: "values or lists of them" },
  ],
  returns: "boolean",
  examples: [
    { formula: 'ONEOF("eur", "EUR", "USD")', output: true },
    { formula: 'ONEOF("GBP", ["EUR", "USD"])', output: false },
    { formula: 'ONEOF(NULL, "EUR")', output: false },
  ],
  apply: ([value, ...allowed], env) => allowed.flat(1).some((item) => isEqual(value, item, env)),
});
