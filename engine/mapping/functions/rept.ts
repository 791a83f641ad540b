import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { LONGEST_TEXT } from "../text.ts";

export const rept = defineFunction({
  name: "REPT",
  chain: "repeat",
  category: "text",
  summary: "Repeats a text.",
  parameters: [
    { name: "text", type: "text", summary: "text to repeat" },
    { name: "times", type: "integer", summary: "how often" },
  ],
  returns: "text",
  examples: [
    { formula: 'REPT("ab", 3)', output: "ababab" },
    { formula: 'REPT("ab", 0)', output: "" },
    { formula: 'REPT("ab", 1000000000)', error: "at most" },
  ],
  apply: ([text, times]) => {
    if (times < 0) fail("out_of_range", `expected 0 or more times, found ${times}`, 1);
    if (text.length * times > LONGEST_TEXT)
      fail("too_long", `expected at most ${LONGEST_TEXT} characters, this makes ${text.length * times}`, 1);
    return text.repeat(times);
  },
});
