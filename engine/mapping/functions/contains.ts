import { defineFunction } from "../function.ts";

export const contains = defineFunction({
  name: "CONTAINS",
  category: "text",
  summary: "Whether a text holds another; capitals and small letters are the same.",
  parameters: [
    { name: "text", type: "text", summary: "text to look in" },
    { name: "wanted", type: "text", summary: "text to look for" },
  ],
  returns: "boolean",
  examples: [
    { formula: 'CONTAINS("Express delivery", "express")', output: true },
    { formula: 'CONTAINS("Standard", "express")', output: false },
    { formula: 'CONTAINS(NULL, "x")', output: null },
  ],
  apply: ([text, wanted]) => text.toLowerCase().includes(wanted.toLowerCase()),
});
