import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";

export const char = defineFunction({
  name: "CHAR",
  aliases: ["UNICHAR"],
  chain: null,
  category: "text",
  summary: "The character with a Unicode number: CHAR(10) is a line break, CHAR(9) a tab.",
  parameters: [{ name: "number", type: "integer", summary: "1 to 1114111" }],
  returns: "text",
  examples: [
    { formula: "CHAR(8364)", output: "€" },
    { formula: "CHAR(0)", error: "expected 1 to" },
  ],
  apply: ([number]) => {
    if (number < 1 || number > 0x10ffff || (number >= 0xd800 && number <= 0xdfff)) {
      fail("out_of_range", `expected 1 to 1114111, found ${number}`, 0);
    }
    return String.fromCodePoint(number);
  },
});
