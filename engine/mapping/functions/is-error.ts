import { MappingError } from "../error.ts";
import { defineLazyFunction } from "../function.ts";

export const isError = defineLazyFunction({
  name: "ISERROR",
  chain: null,
  category: "logic",
  summary: "Whether a value cannot be computed.",
  parameters: [{ name: "value", type: "any", summary: "what to compute" }],
  returns: "boolean",
  examples: [
    { formula: 'ISERROR(NUMBER("n/a"))', output: true },
    { formula: "ISERROR(1)", output: false },
  ],
  lazy: ([value], scope) => {
    try {
      value!(scope);
      return false;
    } catch (error) {
      if (error instanceof MappingError && error.code !== "too_much_work") return true;
      throw error;
    }
  },
});
