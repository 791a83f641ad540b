import { defineFunction } from "../function.ts";

export const encodeUrl = defineFunction({
  name: "ENCODEURL",
  chain: "encodeUrl",
  category: "text",
  summary: "Writes a text so that it can stand in an address.",
  parameters: [{ name: "text", type: "text", summary: "text to write" }],
  returns: "text",
  examples: [
    { formula: 'ENCODEURL("a b&c")', output: "a%20b%26c" },
    { formula: "ENCODEURL(NULL)", output: null },
  ],
  apply: ([text]) => encodeURIComponent(text.toWellFormed()),
});
