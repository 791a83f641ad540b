import { toText } from "../coerce.ts";
import { defineFunction } from "../function.ts";

export const textJoin = defineFunction({
  name: "TEXTJOIN",
  chain: null,
  category: "text",
  summary: "Joins values and lists to one text with a separator, as in spreadsheets.",
  parameters: [
    { name: "separator", type: "text", empty: "error", summary: "between the values" },
    { name: "ignoreEmpty", type: "boolean", summary: "TRUE leaves out empty values" },
    { name: "value", type: "any", variadic: true, summary: "values or lists of them" },
  ],
  returns: "text",
  examples: [
    { formula: 'TEXTJOIN(", ", TRUE, "Main St 1", NULL, "Springfield")', output: "Main St 1, Springfield" },
    { formula: 'TEXTJOIN("-", FALSE, ["a", NULL], "b")', output: "a--b" },
  ],
  apply: ([separator, ignoreEmpty, ...values]) =>
    values
      .flat(1)
      .filter((item) => !ignoreEmpty || (item !== null && item !== ""))
      .map((item) => (item === null ? "" : toText(item, 2)))
      .join(separator),
});
