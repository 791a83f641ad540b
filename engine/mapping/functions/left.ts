import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { sliceText } from "../text.ts";

export const left = defineFunction({
  name: "LEFT",
  category: "text",
  summary: "The first characters of a text.",
  parameters: [
    { name: "text", type: "text", summary: "text to cut" },
    { name: "count", type: "integer", optional: true, summary: "how many characters, default 1" },
  ],
  returns: "text",
  examples: [
    { formula: 'LEFT("DE123456789", 2)', output: "DE" },
    { formula: 'LEFT("abc")', output: "a" },
    { formula: 'LEFT("abc", -1)', error: "expected 0 or more" },
  ],
  apply: ([text, count = 1]) => {
    if (count < 0) fail("out_of_range", `expected 0 or more characters, found ${count}`, 1);
    return sliceText(text, 0, count);
  },
});
