import { defineFunction } from "../function.ts";

export const digits = defineFunction({
  name: "DIGITS",
  category: "text",
  summary: "Only the digits 0 to 9 of a text, as text.",
  parameters: [{ name: "text", type: "text", summary: "text to look in" }],
  returns: "text",
  examples: [
    { formula: 'DIGITS("VAT no. DE 123 456 789")', output: "123456789" },
    { formula: 'DIGITS("none")', output: "" },
  ],
  apply: ([text]) => text.replace(/[^0-9]+/g, ""),
});
