import { defineFunction } from "../function.ts";

export const upper = defineFunction({
  name: "UPPER",
  category: "text",
  summary: "Makes all letters capitals.",
  parameters: [{ name: "text", type: "text", summary: "text to change" }],
  returns: "text",
  examples: [
    { formula: 'UPPER("ana")', output: "ANA" },
    { formula: "UPPER(NULL)", output: null },
  ],
  apply: ([text]) => text.toUpperCase(),
});
