import { defineFunction } from "../function.ts";
import { isNumber } from "../value.ts";

export const isNumberFunction = defineFunction({
  name: "ISNUMBER",
  chain: "isNumber",
  category: "logic",
  summary: "Whether a value is a number; text of digits is not.",
  parameters: [{ name: "value", type: "any", summary: "value to test" }],
  returns: "boolean",
  examples: [
    { formula: "ISNUMBER(12.5)", output: true },
    { formula: 'ISNUMBER("12.5")', output: false },
    { formula: "ISNUMBER(NULL)", output: false },
  ],
  apply: ([value]) => isNumber(value),
});
