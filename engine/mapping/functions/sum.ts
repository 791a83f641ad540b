import { defineFunction } from "../function.ts";
import { add, collectNumbers } from "../number.ts";
import type { Num } from "../value.ts";

export const sum = defineFunction({
  name: "SUM",
  category: "number",
  summary: "Adds numbers and the numbers in lists exactly; empty ones are skipped.",
  parameters: [{ name: "value", type: "any", variadic: true, summary: "numbers or lists of numbers" }],
  returns: "decimal",
  examples: [
    { formula: "SUM(0.1, 0.2)", output: 0.3 },
    {
      formula: "SUM(lines.qty * lines.price)",
      record: {
        lines: [
          { qty: 2, price: 1.1 },
          { qty: 3, price: 0.7 },
        ],
      },
      output: 4.3,
    },
    { formula: "SUM([])", output: 0 },
    { formula: 'SUM(1, "2")', error: 'found text "2"' },
  ],
  apply: (values) => collectNumbers(values).reduce<Num>(add, 0),
});
