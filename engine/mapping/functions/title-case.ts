import { defineFunction } from "../function.ts";

export const titleCase = defineFunction({
  name: "TITLECASE",
  aliases: ["PROPER"],
  chain: "titleCase",
  chainAliases: ["proper"],
  category: "text",
  summary: "Capital first letter in every word, small letters after it.",
  parameters: [{ name: "text", type: "text", summary: "text to change" }],
  returns: "text",
  examples: [
    { formula: 'TITLECASE("ana MARIA o\'neil-smith")', output: "Ana Maria O'Neil-Smith" },
    { formula: 'TITLECASE("élodie")', output: "Élodie" },
    { formula: "TITLECASE(NULL)", output: null },
  ],
  apply: ([text]) =>
    text.toLowerCase().replace(/\p{L}[\p{L}\p{M}]*/gu, (word) => {
      const first = String.fromCodePoint(word.codePointAt(0)!);
      return first.toUpperCase() + word.slice(first.length);
    }),
});
