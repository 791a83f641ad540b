import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";

export const split = defineFunction({
  name: "SPLIT",
  aliases: ["TEXTSPLIT"],
  category: "text",
  summary:
    "Cuts a text at a separator into a list; blanks around the parts are removed. Empty text gives an empty list.",
  parameters: [
    { name: "text", type: "text", summary: "text to cut" },
    { name: "separator", type: "text", optional: true, summary: 'where to cut, default ","' },
  ],
  returns: () => ({ type: "list", nullable: true, element: { type: "text", nullable: false } }),
  examples: [
    { formula: 'SPLIT("red; blue;green", ";")', output: ["red", "blue", "green"] },
    { formula: 'SPLIT("")', output: [] },
    { formula: 'SPLIT("abc", "")', error: "expected a separator" },
  ],
  apply: ([text, separator = ","]) => {
    if (separator === "") fail("bad_value", "expected a separator, found empty text", 1);
    return text === "" ? [] : text.split(separator).map((part) => part.trim());
  },
});
