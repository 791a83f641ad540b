import { defineFunction } from "../function.ts";
import { ANY } from "../types.ts";

export const map = defineFunction({
  name: "MAP",
  chain: null,
  category: "list",
  summary: "Makes a new item of every item; the second parameter of the LAMBDA is its number, counted from 1.",
  parameters: [
    { name: "list", type: "list", summary: "items" },
    { name: "item", type: "lambda", summary: "LAMBDA(item, new item)" },
  ],
  returns: ([list, item]) => ({ type: "list", nullable: list?.nullable !== false, element: item ?? ANY }),
  examples: [
    {
      formula: "MAP(lines, LAMBDA(l, { sku: l.sku, qty: l.qty }))",
      record: { lines: [{ sku: "A1", qty: 2, note: "x" }] },
      output: [{ sku: "A1", qty: 2 }],
    },
    { formula: "MAP([5, 6], LAMBDA(n, i, n * i))", output: [5, 12] },
    { formula: "MAP(NULL, LAMBDA(n, n))", output: null },
    { formula: "MAP([1], 2)", error: "expects a LAMBDA" },
  ],
  apply: ([list, item]) => list.map((value, index) => item(value, index + 1)),
});
