import { toBoolean } from "../coerce.ts";
import { defineLazyFunction } from "../function.ts";

export const or = defineLazyFunction({
  name: "OR",
  chain: null,
  category: "logic",
  summary: "TRUE when at least one condition is; stops at the first that is.",
  parameters: [{ name: "condition", type: "any", variadic: true, summary: "conditions or lists of them" }],
  returns: "boolean",
  examples: [
    { formula: "OR(1 > 2, 2 < 3)", output: true },
    { formula: "OR([FALSE, FALSE])", output: false },
    { formula: 'OR("yes")', error: "expected TRUE or FALSE, found text" },
  ],
  lazy: (args, scope) =>
    args.some((arg, index) => {
      const value = arg(scope);
      return Array.isArray(value) ? value.some((item) => toBoolean(item, index)) : toBoolean(value, index);
    }),
});
