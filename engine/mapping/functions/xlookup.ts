import { isEqual } from "../compare.ts";
import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { ANY, eitherType } from "../types.ts";
import { describeValue } from "../value.ts";

export const xlookup = defineFunction({
  name: "XLOOKUP",
  chain: null,
  category: "lookup",
  summary: "Finds a value in one list and gives what stands at its place in another.",
  parameters: [
    { name: "value", type: "any", empty: "propagate", summary: "value to look up" },
    { name: "list", type: "list", summary: "where it is looked for" },
    { name: "results", type: "list", summary: "as many results" },
    {
      name: "otherwise",
      type: "any",
      optional: true,
      summary: "when it is not in the list; without it that is a reason",
    },
  ],
  returns: ([, , results, otherwise]) =>
    otherwise ? eitherType(results?.element ?? ANY, otherwise) : (results?.element ?? ANY),
  examples: [
    {
      formula: 'XLOOKUP("b2", lines.sku, lines.price)',
      record: {
        lines: [
          { sku: "A1", qty: 2, price: 1.1 },
          { sku: "B2", qty: 0, price: 5 },
          { sku: "A3", qty: 3, price: 0.7 },
        ],
      },
      output: 5,
    },
    { formula: 'XLOOKUP("C", ["A", "B"], [1, 2], 0)', output: 0 },
    { formula: 'XLOOKUP("C", ["A", "B"], [1, 2])', error: 'no entry for text "C"' },
    { formula: 'XLOOKUP("A", ["A", "B"], [1])', error: "lists of the same length" },
  ],
  apply: ([value, list, results, otherwise], env) => {
    if (results.length !== list.length)
      fail("mismatch", `expected lists of the same length, found ${list.length} and ${results.length} items`, 2);
    const place = list.findIndex((item) => isEqual(item, value, env));
    if (place >= 0) return results[place]!;
    if (otherwise !== undefined) return otherwise;
    return fail(
      "not_found",
      `the list has no entry for ${describeValue(value)}; give a fourth argument for that case`,
      0,
    );
  },
});
