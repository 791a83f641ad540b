import { MappingError } from "../error.ts";
import { defineLazyFunction } from "../function.ts";
import { ANY, eitherType } from "../types.ts";

export const ifError = defineLazyFunction({
  name: "IFERROR",
  chain: "ifError",
  category: "logic",
  summary: "The value, or another when it cannot be computed.",
  parameters: [
    { name: "value", type: "any", summary: "what to compute" },
    { name: "otherwise", type: "any", summary: "result when that fails" },
  ],
  returns: ([value, otherwise]) => eitherType(value ?? ANY, otherwise ?? ANY),
  examples: [
    { formula: 'IFERROR(NUMBER("n/a"), 0)', output: 0 },
    { formula: "IFERROR(2 / 4, 0)", output: 0.5 },
    { formula: 'IFERROR(1 / 0, NUMBER("n/a"))', error: "expected a number" },
  ],
  lazy: ([value, otherwise], scope) => {
    try {
      return value!(scope);
    } catch (error) {
      if (error instanceof MappingError && error.code !== "too_much_work") return otherwise!(scope);
      throw error;
    }
  },
});
