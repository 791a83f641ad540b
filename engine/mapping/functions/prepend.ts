import { defineFunction } from "../function.ts";

export const prepend = defineFunction({
  name: "PREPEND",
  chainAliases: ["prefix"],
  category: "text",
  summary: "Puts a text in front; empty stays empty.",
  parameters: [
    { name: "text", type: "text", summary: "text to extend" },
    { name: "prefix", type: "text", summary: "goes in front" },
  ],
  returns: "text",
  examples: [
    { formula: 'PREPEND(4711, "SO-")', output: "SO-4711" },
    { formula: 'PREPEND(NULL, "SO-")', output: null },
  ],
  apply: ([text, prefix]) => prefix + text,
});
