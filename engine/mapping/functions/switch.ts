import { isEqual } from "../compare.ts";
import { fail } from "../error.ts";
import { defineLazyFunction } from "../function.ts";
import { eitherType, NOTHING } from "../types.ts";
import { describeValue } from "../value.ts";

export const switchFunction = defineLazyFunction({
  name: "SWITCH",
  aliases: ["TRANSLATE"],
  chain: "translate",
  chainAliases: ["switch"],
  category: "logic",
  summary:
    "Replaces a value by the one that stands behind it in the arguments; a single last argument is for all others.",
  parameters: [
    { name: "value", type: "any", summary: "value to replace" },
    { name: "from", type: "any", summary: "first value" },
    { name: "to", type: "any", summary: "what stands for it" },
    { name: "more", type: "any", optional: true, variadic: true, summary: "further pairs, and one for all others" },
  ],
  returns: (types) =>
    types
      .filter((_, index) => index > 1 && (index % 2 === 0 || index === types.length - 1))
      .reduce(eitherType, NOTHING),
  examples: [
    { formula: 'SWITCH("f", "m", "Mr", "f", "Ms", "")', output: "Ms" },
    { formula: 'SWITCH(3, 1, "one", "many")', output: "many" },
    { formula: 'SWITCH("x", "m", "Mr", "f", "Ms")', error: 'no case for text "x"' },
  ],
  lazy: (args, scope) => {
    const value = args[0]!(scope);
    for (let index = 1; index + 1 < args.length; index += 2) {
      if (isEqual(value, args[index]!(scope), scope.env)) return args[index + 1]!(scope);
    }
    if (args.length % 2 === 0) return args.at(-1)!(scope);
    return fail(
      "not_found",
      `there is no case for ${describeValue(value)}; add it, or a last argument for all others`,
      0,
    );
  },
});
