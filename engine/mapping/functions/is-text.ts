import { defineFunction } from "../function.ts";

export const isText = defineFunction({
  name: "ISTEXT",
  chain: "isText",
  category: "logic",
  summary: "Whether a value is text.",
  parameters: [{ name: "value", type: "any", summary: "value to test" }],
  returns: "boolean",
  examples: [
    { formula: 'ISTEXT("12")', output: true },
    { formula: "ISTEXT(12)", output: false },
    { formula: "ISTEXT(NULL)", output: false },
  ],
  apply: ([value]) => typeof value === "string",
});
