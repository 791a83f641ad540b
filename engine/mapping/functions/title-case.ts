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
  apply: ([text]) => {
    const lower = text.toLowerCase();
    let result = "";
    let inside = false;
    for (let index = 0; index < lower.length; index += 1) {
      const code = lower.charCodeAt(index);
      if (code > 127) return beyondAscii(lower);
      const letter = code >= 97 && code <= 122;
      result += letter && !inside ? String.fromCharCode(code - 32) : lower[index];
      inside = letter;
    }
    return result;
  },
});

function beyondAscii(lower: string): string {
  return lower.replace(/\p{L}[\p{L}\p{M}]*/gu, (word) => {
    const first = String.fromCodePoint(word.codePointAt(0)!);
    return first.toUpperCase() + word.slice(first.length);
  });
}
