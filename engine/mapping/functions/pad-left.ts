import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { LONGEST_TEXT } from "../text.ts";

export const padLeft = defineFunction({
  name: "PADLEFT",
  chain: "padLeft",
  category: "text",
  summary: "Fills up in front to a length; longer texts stay as they are.",
  parameters: [
    { name: "text", type: "text", summary: "text to fill up" },
    { name: "length", type: "integer", summary: "length to reach" },
    { name: "fill", type: "text", optional: true, summary: 'what to fill with, default "0"' },
  ],
  returns: "text",
  examples: [
    { formula: "PADLEFT(42, 6)", output: "000042" },
    { formula: 'PADLEFT("abc", 2, " ")', output: "abc" },
    { formula: 'PADLEFT("a", 2000000)', error: "at most" },
  ],
  apply: ([text, length, fill = "0"]) => {
    if (length > LONGEST_TEXT) fail("out_of_range", `expected at most ${LONGEST_TEXT} characters, found ${length}`, 1);
    return text.padStart(length, fill);
  },
});
