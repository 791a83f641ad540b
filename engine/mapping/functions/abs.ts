import { defineFunction } from "../function.ts";
import { absolute } from "../number.ts";

export const abs = defineFunction({
  name: "ABS",
  category: "number",
  summary: "The number without its sign.",
  parameters: [{ name: "number", type: "number", summary: "any number" }],
  returns: "decimal",
  examples: [
    { formula: "ABS(-12.50)", output: 12.5 },
    { formula: "ABS(NULL)", output: null },
  ],
  apply: ([number]) => absolute(number),
});
