import { defineFunction } from "../function.ts";

export const append = defineFunction({
  name: "APPEND",
  chainAliases: ["suffix"],
  category: "text",
  summary: "Puts a text behind; empty stays empty.",
  parameters: [
    { name: "text", type: "text", summary: "text to extend" },
    { name: "suffix", type: "text", summary: "goes behind" },
  ],
  returns: "text",
  examples: [
    { formula: 'APPEND("12.50", " EUR")', output: "12.50 EUR" },
    { formula: 'APPEND(NULL, " EUR")', output: null },
  ],
  apply: ([text, suffix]) => text + suffix,
});
