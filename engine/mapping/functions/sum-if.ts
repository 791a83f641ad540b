import { numbersWhere } from "../criterion.ts";
import { defineFunction } from "../function.ts";
import { add } from "../number.ts";
import type { Num } from "../value.ts";

export const sumIf = defineFunction({
  name: "SUMIF",
  chain: null,
  category: "number",
  summary: "Adds the numbers at the places where a list meets a condition, written as in spreadsheets.",
  parameters: [
    { name: "list", type: "list", summary: "values the condition is about" },
    { name: "condition", type: "any", summary: 'a value, or text such as ">=5", "<>A" or "A*"' },
    {
      name: "numbers",
      type: "list",
      optional: true,
      summary: "what is added, as long as the list; the list itself when left out",
    },
  ],
  returns: "decimal",
  examples: [
    {
      formula: 'SUMIF(lines.sku, "A*", lines.price)',
      record: {
        lines: [
          { sku: "A1", qty: 2, price: 1.1 },
          { sku: "B2", qty: 0, price: 5 },
          { sku: "A3", qty: 3, price: 0.7 },
        ],
      },
      output: 1.8,
    },
    { formula: 'SUMIF([1, 2, 3], ">1")', output: 5 },
    { formula: 'SUMIF(["A"], "B", [1])', output: 0 },
    { formula: "SUMIF([1, 2], 1, [1])", error: "lists of the same length" },
  ],
  apply: ([list, condition, numbers], env) => numbersWhere(list, condition, numbers, env).reduce<Num>(add, 0),
});
