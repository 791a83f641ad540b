import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { quote } from "../value.ts";

export const textBefore = defineFunction({
  name: "TEXTBEFORE",
  chain: "textBefore",
  category: "text",
  summary: "The text in front of the first separator.",
  parameters: [
    { name: "text", type: "text", summary: "text to cut" },
    { name: "separator", type: "text", summary: "where to cut" },
    { name: "otherwise", type: "text", optional: true, empty: "pass", summary: "result when there is no separator" },
  ],
  returns: "text",
  examples: [
    { formula: 'TEXTBEFORE("ana@example.com", "@")', output: "ana" },
    { formula: 'TEXTBEFORE("ana", "@", "none")', output: "none" },
    { formula: 'TEXTBEFORE("ana", "@")', error: 'expected "@" in' },
  ],
  apply: ([text, separator, otherwise]) => {
    const place = text.indexOf(separator);
    if (place >= 0) return text.slice(0, place);
    if (otherwise !== undefined) return otherwise;
    return fail(
      "not_found",
      `expected ${quote(separator)} in ${quote(text)}, found it nowhere; give a third argument for that case`,
      1,
    );
  },
});
