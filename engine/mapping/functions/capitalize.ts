import { defineFunction } from "../function.ts";
import { sliceText } from "../text.ts";

export const capitalize = defineFunction({
  name: "CAPITALIZE",
  category: "text",
  summary: "Makes the first letter of the text a capital and leaves the rest.",
  parameters: [{ name: "text", type: "text", summary: "text to change" }],
  returns: "text",
  examples: [
    { formula: 'CAPITALIZE("paid in EUR")', output: "Paid in EUR" },
    { formula: 'CAPITALIZE("")', output: "" },
  ],
  apply: ([text]) => sliceText(text, 0, 1).toUpperCase() + sliceText(text, 1),
});
