import { defineFunction } from "../function.ts";
import { compileRegex, regexProblem } from "../regex/regex.ts";

export const regexMatch = defineFunction({
  name: "REGEXMATCH",
  chain: "regexMatch",
  category: "text",
  summary: "Whether a part of the text matches a regular expression. (?i) in front ignores capitals.",
  parameters: [
    { name: "text", type: "text", summary: "text to test" },
    { name: "pattern", type: "text", summary: "regular expression without look-around and back references" },
  ],
  returns: "boolean",
  check: ([, pattern]) => regexProblem(pattern, 1),
  examples: [
    { formula: 'REGEXMATCH("INV-2026-7", "^INV-\\d{4}-\\d+$")', output: true },
    { formula: 'REGEXMATCH("inv-7", "(?i)^INV")', output: true },
    { formula: 'REGEXMATCH("abc", "(")', error: "regular expression" },
  ],
  apply: ([text, pattern]) => compileRegex(pattern).exec(text, 0) !== undefined,
});
