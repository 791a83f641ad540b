import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { sliceText } from "../text.ts";

export const replace = defineFunction({
  name: "REPLACE",
  chain: "replaceAt",
  category: "text",
  summary: "Replaces characters by their place, as in spreadsheets; to replace a text use SUBSTITUTE.",
  parameters: [
    { name: "text", type: "text", summary: "text to change" },
    { name: "start", type: "integer", summary: "first character to replace, counted from 1" },
    { name: "count", type: "integer", summary: "how many characters to replace" },
    { name: "new", type: "text", summary: "what to put there" },
  ],
  returns: "text",
  examples: [
    { formula: 'REPLACE("DE89370400440532013000", 5, 14, "…")', output: "DE89…3000" },
    { formula: 'REPLACE("abc", 0, 1, "x")', error: "counted from 1" },
  ],
  apply: ([text, start, count, replacement]) => {
    if (start < 1) fail("out_of_range", `expected a start counted from 1, found ${start}`, 1);
    if (count < 0) fail("out_of_range", `expected 0 or more characters, found ${count}`, 2);
    return sliceText(text, 0, start - 1) + replacement + sliceText(text, start - 1 + count);
  },
});
