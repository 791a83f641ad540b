import { defineFunction } from "../function.ts";

export const clean = defineFunction({
  name: "CLEAN",
  category: "text",
  summary:
    "Removes characters that cannot be seen: control characters, byte order marks, zero-width blanks; line breaks become blanks.",
  parameters: [{ name: "text", type: "text", summary: "text to clean" }],
  returns: "text",
  examples: [
    { formula: "CLEAN(note)", record: { note: "one\r\ntwo\u0000\u200b" }, output: "one two" },
    { formula: "CLEAN(NULL)", output: null },
  ],
  apply: ([text]) =>
    text.replace(/[\r\n\t]+/g, " ").replace(/[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060\ufeff\ufffe]/gu, ""),
});
