import { defineFunction } from "../function.ts";

export const keys = defineFunction({
  name: "KEYS",
  category: "lookup",
  summary: "The names of a record's fields.",
  parameters: [{ name: "record", type: "record", summary: "nested record" }],
  returns: () => ({ type: "list", nullable: true, element: { type: "text", nullable: false } }),
  examples: [
    { formula: "KEYS({ b: 1, a: 2 })", output: ["b", "a"] },
    { formula: 'KEYS("x")', error: "expects a record" },
  ],
  apply: ([record]) => Object.keys(record),
});
