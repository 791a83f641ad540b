import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { LONGEST_TEXT } from "../text.ts";

export const padRight = defineFunction({
  name: "PADRIGHT",
  chain: "padRight",
  category: "text",
  summary: "Fills up behind to a length; longer texts stay as they are.",
  parameters: [
    { name: "text", type: "text", summary: "text to fill up" },
    { name: "length", type: "integer", summary: "length to reach" },
    { name: "fill", type: "text", optional: true, summary: "what to fill with, default a blank" },
  ],
  returns: "text",
  examples: [
    { formula: 'PADRIGHT("ab", 4, ".")', output: "ab.." },
    { formula: "PADRIGHT(NULL, 4)", output: null },
    { formula: 'PADRIGHT("a", 2000000)', error: "at most" },
  ],
  apply: ([text, length, fill = " "]) => {
    if (length > LONGEST_TEXT) fail("out_of_range", `expected at most ${LONGEST_TEXT} characters, found ${length}`, 1);
    return text.padEnd(length, fill);
  },
});
