import { defineLazyFunction } from "../function.ts";
import { isEmptyValue, valueOrNull } from "../lazy.ts";
import { eitherType, NOTHING } from "../types.ts";
import type { Value } from "../value.ts";

export const ifEmpty = defineLazyFunction({
  name: "IFEMPTY",
  aliases: ["COALESCE"],
  chain: "ifEmpty",
  chainAliases: ["default", "coalesce"],
  category: "logic",
  summary:
    "The first value that is not empty; empty are NULL, text of blanks only, and a field the record does not have.",
  parameters: [
    { name: "value", type: "any", summary: "value that may be empty" },
    { name: "otherwise", type: "any", variadic: true, summary: "what to take instead, in this order" },
  ],
  returns: (types) => ({ ...types.reduce(eitherType, NOTHING), nullable: types.at(-1)?.nullable !== false }),
  examples: [
    { formula: 'IFEMPTY(phone, mobile, "none")', record: { phone: " ", mobile: null }, output: "none" },
    { formula: "IFEMPTY(discount, 0)", record: { discount: 5 }, output: 5 },
    { formula: "IFEMPTY(NULL, NULL)", output: null },
  ],
  lazy: (args, scope) => {
    let value: Value = null;
    for (const arg of args) {
      value = valueOrNull(arg, scope);
      if (!isEmptyValue(value)) return value;
    }
    return value;
  },
});
