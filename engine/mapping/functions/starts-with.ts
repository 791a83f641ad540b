import { defineFunction } from "../function.ts";

export const startsWith = defineFunction({
  name: "STARTSWITH",
  chain: "startsWith",
  category: "text",
  summary: "Whether a text begins with another; capitals and small letters are the same.",
  parameters: [
    { name: "text", type: "text", summary: "text to test" },
    { name: "beginning", type: "text", summary: "how it should begin" },
  ],
  returns: "boolean",
  examples: [
    { formula: 'STARTSWITH("DE123", "de")', output: true },
    { formula: 'STARTSWITH("AT123", "DE")', output: false },
    { formula: 'STARTSWITH(NULL, "DE")', output: null },
  ],
  apply: ([text, beginning]) => text.toLowerCase().startsWith(beginning.toLowerCase()),
});
