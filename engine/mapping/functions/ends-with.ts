import { defineFunction } from "../function.ts";

export const endsWith = defineFunction({
  name: "ENDSWITH",
  chain: "endsWith",
  category: "text",
  summary: "Whether a text ends with another; capitals and small letters are the same.",
  parameters: [
    { name: "text", type: "text", summary: "text to test" },
    { name: "ending", type: "text", summary: "how it should end" },
  ],
  returns: "boolean",
  examples: [
    { formula: 'ENDSWITH("Orchard GmbH", "gmbh")', output: true },
    { formula: 'ENDSWITH("Orchard AG", "GmbH")', output: false },
    { formula: 'ENDSWITH(NULL, "AG")', output: null },
  ],
  apply: ([text, ending]) => text.toLowerCase().endsWith(ending.toLowerCase()),
});
