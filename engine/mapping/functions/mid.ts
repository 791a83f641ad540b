import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { sliceText } from "../text.ts";

export const mid = defineFunction({
  name: "MID",
  category: "text",
  summary: "Characters from the middle of a text.",
  parameters: [
    { name: "text", type: "text", summary: "text to cut" },
    { name: "start", type: "integer", summary: "first character, counted from 1" },
    { name: "count", type: "integer", summary: "how many characters" },
  ],
  returns: "text",
  examples: [
    { formula: 'MID("2026-11-23", 6, 2)', output: "11" },
    { formula: 'MID("abc", 9, 2)', output: "" },
    { formula: 'MID("abc", 0, 2)', error: "counted from 1" },
  ],
  apply: ([text, start, count]) => {
    if (start < 1) fail("out_of_range", `expected a start counted from 1, found ${start}`, 1);
    if (count < 0) fail("out_of_range", `expected 0 or more characters, found ${count}`, 2);
    return sliceText(text, start - 1, start - 1 + count);
  },
});
