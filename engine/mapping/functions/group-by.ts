import { keyOf } from "../compare.ts";
import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import type { Value } from "../value.ts";

export const groupBy = defineFunction({
  name: "GROUPBY",
  chain: null,
  category: "list",
  summary: "Puts items with the same value together: a list of { key, items }, in the order of first appearance.",
  parameters: [
    { name: "list", type: "list", summary: "items" },
    { name: "by", type: "each", summary: "values as many as items, or LAMBDA(item, value)" },
  ],
  returns: ([list]) => ({
    type: "list",
    nullable: list?.nullable !== false,
    element: {
      type: "record",
      nullable: false,
      fields: [
        { name: "key", type: "any" },
        { name: "items", type: "list", ...(list?.element?.fields ? { fields: list.element.fields } : {}) },
      ],
    },
  }),
  examples: [
    {
      formula: "MAP(GROUPBY(lines, lines.sku), LAMBDA(g, { sku: g.key, qty: SUM(g.items.qty) }))",
      record: {
        lines: [
          { sku: "A1", qty: 2 },
          { sku: "B2", qty: 1 },
          { sku: "A1", qty: 5 },
        ],
      },
      output: [
        { sku: "A1", qty: 7 },
        { sku: "B2", qty: 1 },
      ],
    },
    { formula: "GROUPBY([], LAMBDA(n, n))", output: [] },
    { formula: "GROUPBY([1, 2], [1])", error: "lists of the same length" },
  ],
  apply: ([list, by]) => {
    const keys = typeof by === "function" ? list.map((item, index) => by(item, index + 1)) : by;
    if (keys.length !== list.length)
      fail("mismatch", `expected lists of the same length, found ${list.length} and ${keys.length} items`, 1);
    const groups = new Map<string, { key: Value; items: Value[] }>();
    list.forEach((item, index) => {
      const key = keys[index] ?? null;
      const group = groups.get(keyOf(key));
      if (group) group.items.push(item);
      else groups.set(keyOf(key), { key, items: [item] });
    });
    return [...groups.values()];
  },
});
