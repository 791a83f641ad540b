import { defineFunction } from "../function.ts";

export const lower = defineFunction({
  name: "LOWER",
  category: "text",
  summary: "Makes all letters small.",
  parameters: [{ name: "text", type: "text", summary: "text to change" }],
  returns: "text",
  examples: [
    { formula: 'LOWER("ANA@Example.COM")', output: "ana@example.com" },
    { formula: "LOWER(NULL)", output: null },
  ],
  apply: ([text]) => text.toLowerCase(),
});
