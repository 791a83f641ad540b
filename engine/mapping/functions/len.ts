import { defineFunction } from "../function.ts";
import { textLength } from "../text.ts";

export const len = defineFunction({
  name: "LEN",
  chainAliases: ["length"],
  category: "text",
  summary: "How many characters a text has.",
  parameters: [{ name: "text", type: "text", summary: "text to measure" }],
  returns: "integer",
  examples: [
    { formula: 'LEN("Größe")', output: 5 },
    { formula: 'LEN("👍")', output: 1 },
    { formula: 'LEN("")', output: 0 },
  ],
  apply: ([text]) => textLength(text),
});
