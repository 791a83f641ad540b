import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { compileRegex, regexProblem } from "../regex/regex.ts";
import { quote } from "../value.ts";

export const regexExtract = defineFunction({
  name: "REGEXEXTRACT",
  chain: "regexExtract",
  category: "text",
  summary: "The part of a text that matches a regular expression, or what its first group in brackets matches.",
  parameters: [
    { name: "text", type: "text", summary: "text to look in" },
    { name: "pattern", type: "text", summary: "regular expression without look-around and back references" },
    { name: "otherwise", type: "any", optional: true, summary: "result when nothing matches" },
  ],
  returns: "text",
  check: ([, pattern]) => regexProblem(pattern, 1),
  examples: [
    { formula: 'REGEXEXTRACT("Order 4711 of May", "\\d+")', output: "4711" },
    { formula: 'REGEXEXTRACT("ana@example.com", "@(.+)$")', output: "example.com" },
    { formula: 'REGEXEXTRACT("none", "\\d+", NULL)', output: null },
    { formula: 'REGEXEXTRACT("none", "\\d+")', error: "matches nothing" },
  ],
  apply: ([text, pattern, otherwise]) => {
    const found = compileRegex(pattern).exec(text, 0);
    if (found) return found.groups.length > 1 ? (found.groups[1] ?? null) : found.groups[0]!;
    if (otherwise !== undefined) return otherwise;
    return fail(
      "not_found",
      `${quote(pattern)} matches nothing in ${quote(text)}; give a third argument for that case`,
      1,
    );
  },
});
