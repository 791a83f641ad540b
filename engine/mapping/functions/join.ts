import { toText } from "../coerce.ts";
import { defineFunction } from "../function.ts";

export const join = defineFunction({
  name: "JOIN",
  category: "text",
  summary: "Joins the items of a list to one text with a separator; empty items are left out.",
  parameters: [
    { name: "list", type: "list", summary: "items to join" },
    { name: "separator", type: "text", optional: true, summary: 'between the items, default ", "' },
  ],
  returns: "text",
  examples: [
    { formula: 'JOIN(["red", NULL, "blue"], " / ")', output: "red / blue" },
    { formula: "JOIN(lines.sku)", record: { lines: [{ sku: "A1" }, { sku: "B2" }] }, output: "A1, B2" },
    { formula: 'JOIN("red")', error: "expects a list" },
  ],
  apply: ([list, separator = ", "]) =>
    list
      .filter((item) => item !== null && item !== "")
      .map((item) => toText(item, 0))
      .join(separator),
});
