import { defineFunction } from "../function.ts";

export const trim = defineFunction({
  name: "TRIM",
  category: "text",
  summary: "Removes blanks at both ends and makes runs of blanks inside one blank.",
  parameters: [{ name: "text", type: "text", summary: "text to clean" }],
  returns: "text",
  examples: [
    { formula: 'TRIM("  Ana   Horvat ")', output: "Ana Horvat" },
    { formula: "TRIM(NULL)", output: null },
  ],
  apply: ([text]) => (isTrimmed(text) ? text : text.trim().replace(/\s+/g, " ")),
});

/** Nothing to do, which is the common case: only single plain blanks, and only inside. */
function isTrimmed(text: string): boolean {
  let blank = true;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 32) {
      if (blank) return false;
      blank = true;
    } else if (code < 32 || code >= 127) {
      return !/^\s|\s\s|[^\S ]|\s$/.test(text);
    } else blank = false;
  }
  return !blank || text === "";
}
