import { toBoolean } from "../coerce.ts";
import { defineFunction } from "../function.ts";
import { ANY } from "../types.ts";

export const findItem = defineFunction({
  name: "FINDITEM",
  chain: null,
  category: "list",
  summary: "The first item for which a condition is TRUE, NULL when there is none.",
  parameters: [
    { name: "list", type: "list", summary: "items" },
    { name: "condition", type: "lambda", summary: "LAMBDA(item, condition)" },
  ],
  returns: ([list]) => ({ ...(list?.element ?? ANY), nullable: true }),
  examples: [
    {
      formula: 'FINDITEM(addresses, LAMBDA(a, a.kind = "billing")).city',
      record: {
        addresses: [
          { kind: "shipping", city: "Graz" },
          { kind: "billing", city: "Wien" },
        ],
      },
      output: "Wien",
    },
    { formula: "FINDITEM([1], LAMBDA(n, n > 5))", output: null },
  ],
  apply: ([list, condition]) => list.find((item, index) => toBoolean(condition(item, index + 1), 1)) ?? null,
});
