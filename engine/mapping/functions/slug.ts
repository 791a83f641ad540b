import { defineFunction } from "../function.ts";
import { withoutAccents } from "../text.ts";

export const slug = defineFunction({
  name: "SLUG",
  category: "text",
  summary: "Makes a text fit for addresses and codes: small letters without accents and digits, joined by a hyphen.",
  parameters: [{ name: "text", type: "text", summary: "text to change" }],
  returns: "text",
  examples: [
    { formula: 'SLUG("Größe: Übergroß (XL)")', output: "grosse-ubergross-xl" },
    { formula: 'SLUG("!!!")', output: "" },
  ],
  apply: ([text]) =>
    withoutAccents(text)
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, "-")
      .replace(/^-|-$/g, ""),
});
