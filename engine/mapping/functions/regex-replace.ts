import { defineFunction } from "../function.ts";
import { compileRegex, regexProblem } from "../regex/regex.ts";

export const regexReplace = defineFunction({
  name: "REGEXREPLACE",
  chain: "regexReplace",
  category: "text",
  summary: "Replaces every part that matches a regular expression; $1 stands for its first group.",
  parameters: [
    { name: "text", type: "text", summary: "text to change" },
    { name: "pattern", type: "text", summary: "regular expression without look-around and back references" },
    { name: "new", type: "text", summary: "what to put there; $0 the match, $1 to $9 its groups" },
  ],
  returns: "text",
  check: ([, pattern]) => regexProblem(pattern, 1),
  examples: [
    { formula: 'REGEXREPLACE("+49 (30) 90-1820", "[^0-9+]", "")', output: "+4930901820" },
    { formula: 'REGEXREPLACE("Horvat, Ana", "(\\w+), (\\w+)", "$2 $1")', output: "Ana Horvat" },
    { formula: 'REGEXREPLACE("abc", "[", "")', error: "regular expression" },
  ],
  apply: ([text, pattern, replacement]) => compileRegex(pattern).replace(text, replacement),
});
