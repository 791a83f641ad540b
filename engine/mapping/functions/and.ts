import { toBoolean } from "../coerce.ts";
import { defineLazyFunction } from "../function.ts";

export const and = defineLazyFunction({
  name: "AND",
  chain: null,
  category: "logic",
  summary: "TRUE when all conditions are; stops at the first that is not.",
  parameters: [{ name: "condition", type: "any", variadic: true, summary: "conditions or lists of them" }],
  returns: "boolean",
  examples: [
    { formula: "AND(1 < 2, 2 < 3)", output: true },
    { formula: "AND(FALSE, 1 / 0 = 1)", output: false },
    { formula: "AND(NULL)", error: "expected TRUE or FALSE, found nothing" },
  ],
  lazy: (args, scope) =>
    args.every((arg, index) => {
      const value = arg(scope);
      return Array.isArray(value) ? value.every((item) => toBoolean(item, index)) : toBoolean(value, index);
    }),
});
