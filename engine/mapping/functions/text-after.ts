import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { quote } from "../value.ts";

export const textAfter = defineFunction({
  name: "TEXTAFTER",
  chain: "textAfter",
  category: "text",
  summary: "The text behind the first separator.",
  parameters: [
    { name: "text", type: "text", summary: "text to cut" },
    { name: "separator", type: "text", summary: "where to cut" },
    { name: "otherwise", type: "text", optional: true, empty: "pass", summary: "result when there is no separator" },
  ],
  returns: "text",
  examples: [
    { formula: 'TEXTAFTER("ana@example.com", "@")', output: "example.com" },
    { formula: 'TEXTAFTER("ana", "@", NULL)', output: null },
    { formula: 'TEXTAFTER("ana", "@")', error: 'expected "@" in' },
  ],
  apply: ([text, separator, otherwise]) => {
    const place = text.indexOf(separator);
    if (place >= 0) return text.slice(place + separator.length);
    if (otherwise !== undefined) return otherwise;
    return fail(
      "not_found",
      `expected ${quote(separator)} in ${quote(text)}, found it nowhere; give a third argument for that case`,
      1,
    );
  },
});
