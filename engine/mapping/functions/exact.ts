import { defineFunction } from "../function.ts";

export const exactText = defineFunction({
  name: "EXACT",
  category: "text",
  summary: "Whether two texts are the same character by character; capitals matter.",
  parameters: [
    { name: "text", type: "text", summary: "first text" },
    { name: "other", type: "text", summary: "second text" },
  ],
  returns: "boolean",
  examples: [
    { formula: 'EXACT("Ana", "ana")', output: false },
    { formula: 'EXACT("Ana", "Ana")', output: true },
    { formula: 'EXACT(NULL, "")', output: null },
  ],
  apply: ([text, other]) => text === other,
});
