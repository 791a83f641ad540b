import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { sliceText } from "../text.ts";

export const right = defineFunction({
  name: "RIGHT",
  category: "text",
  summary: "The last characters of a text.",
  parameters: [
    { name: "text", type: "text", summary: "text to cut" },
    { name: "count", type: "integer", optional: true, summary: "how many characters, default 1" },
  ],
  returns: "text",
  examples: [
    { formula: 'RIGHT("4111111111111234", 4)', output: "1234" },
    { formula: 'RIGHT("ab", 5)', output: "ab" },
    { formula: 'RIGHT("abc", -1)', error: "expected 0 or more" },
  ],
  apply: ([text, count = 1]) => {
    if (count < 0) fail("out_of_range", `expected 0 or more characters, found ${count}`, 1);
    return count === 0 ? "" : sliceText(text, -count);
  },
});
