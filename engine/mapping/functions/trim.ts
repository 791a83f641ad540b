import { defineFunction } from "../function.ts";

export const trim = defineFunction({
  name: "TRIM",
  category: "text",
  summary: "Removes blanks at both ends and makes runs of blanks inside one blank.",
  parameters: [{ name: "text", type: "text", summary: "text to clean" }],
  returns: "text",
  examples: [
    { formula: 'TRIM("  Ana   Horvat ")', output: "Ana Horvat" },
    { formula: "TRIM(NULL)", output: null },
  ],
  apply: ([text]) =>
    /^\S(?:.*\S)?$/.test(text) && !/\s\s|[^\S ]/.test(text) ? text : text.trim().replace(/\s+/g, " "),
});
