import { defineFunction } from "../function.ts";
import { ANY } from "../types.ts";

export const values = defineFunction({
  name: "VALUES",
  category: "lookup",
  summary: "The values of a record's fields.",
  parameters: [{ name: "record", type: "record", summary: "nested record" }],
  returns: () => ({ type: "list", nullable: true, element: ANY }),
  examples: [
    { formula: "VALUES({ b: 1, a: 2 })", output: [1, 2] },
    { formula: "VALUES(NULL)", output: null },
  ],
  apply: ([record]) => Object.values(record),
});
