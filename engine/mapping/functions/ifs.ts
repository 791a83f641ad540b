import { toBoolean } from "../coerce.ts";
import { fail } from "../error.ts";
import { defineLazyFunction } from "../function.ts";
import { eitherType, NOTHING } from "../types.ts";

export const ifs = defineLazyFunction({
  name: "IFS",
  chain: null,
  category: "logic",
  summary: "The value behind the first condition that is TRUE; TRUE as last condition means otherwise.",
  parameters: [
    { name: "condition", type: "any", summary: "first condition" },
    { name: "value", type: "any", summary: "its result" },
    {
      name: "more",
      type: "any",
      optional: true,
      variadic: true,
      summary: "further conditions, each followed by its result",
    },
  ],
  returns: (types) => types.filter((_, index) => index % 2 === 1).reduce(eitherType, NOTHING),
  check: ({ length }) =>
    length % 2 === 1 ? { argument: length - 1, message: "the last condition has no result" } : undefined,
  examples: [
    {
      formula: 'IFS(total > 100, "gold", total > 50, "silver", TRUE, "basic")',
      record: { total: 60 },
      output: "silver",
    },
    { formula: "IFS(FALSE, 1)", error: "no condition is TRUE" },
    { formula: "IFS(TRUE, 1, FALSE)", error: "has no result" },
  ],
  lazy: (args, scope) => {
    for (let index = 0; index < args.length; index += 2) {
      const result = args[index + 1];
      if (!result) return fail("bad_value", "the last condition has no result", index);
      if (toBoolean(args[index]!(scope), index)) return result(scope);
    }
    return fail("not_found", "no condition is TRUE; end with TRUE and a value for all other cases");
  },
});
