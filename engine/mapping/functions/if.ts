import { toBoolean } from "../coerce.ts";
import { defineLazyFunction } from "../function.ts";
import { ANY, eitherType, NOTHING } from "../types.ts";

export const ifFunction = defineLazyFunction({
  name: "IF",
  chain: null,
  category: "logic",
  summary: "One value when a condition is TRUE, another when it is FALSE. Only the one needed is computed.",
  parameters: [
    { name: "condition", type: "boolean", summary: "such as total > 100" },
    { name: "then", type: "any", summary: "result when TRUE" },
    { name: "otherwise", type: "any", optional: true, summary: "result when FALSE, default NULL" },
  ],
  returns: ([, then, otherwise]) => eitherType(then ?? ANY, otherwise ?? NOTHING),
  examples: [
    { formula: 'IF(total > 100, "gold", "basic")', record: { total: 250 }, output: "gold" },
    { formula: "IF(FALSE, 1)", output: null },
    { formula: "IF(paid, 1, 0)", record: { paid: null }, error: "expected TRUE or FALSE, found nothing" },
  ],
  lazy: ([condition, then, otherwise], scope) => {
    if (toBoolean(condition!(scope), 0)) return then!(scope);
    return otherwise ? otherwise(scope) : null;
  },
});
