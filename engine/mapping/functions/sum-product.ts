import { toNumber } from "../coerce.ts";
import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { add, multiply } from "../number.ts";
import type { Num } from "../value.ts";

export const sumProduct = defineFunction({
  name: "SUMPRODUCT",
  chain: null,
  category: "number",
  summary: "Multiplies lists item by item and adds the products.",
  parameters: [
    { name: "list", type: "list", summary: "numbers" },
    { name: "other", type: "list", variadic: true, summary: "as many numbers" },
  ],
  returns: "decimal",
  examples: [
    {
      formula: "SUMPRODUCT(lines.qty, lines.price)",
      record: {
        lines: [
          { qty: 2, price: 1.1 },
          { qty: 3, price: 0.7 },
        ],
      },
      output: 4.3,
    },
    { formula: "SUMPRODUCT([1, 2], [3])", error: "lists of the same length" },
  ],
  apply: ([list, ...others]) => {
    for (const other of others) {
      if (other.length !== list.length)
        fail("mismatch", `expected lists of the same length, found ${list.length} and ${other.length} items`, 1);
    }
    return list.reduce<Num>(
      (total, item, index) =>
        add(
          total,
          others.reduce<Num>((product, other) => multiply(product, toNumber(other[index]!, 1)), toNumber(item, 0)),
        ),
      0,
    );
  },
});
