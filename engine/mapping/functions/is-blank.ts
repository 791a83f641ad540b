import { defineLazyFunction } from "../function.ts";
import { isEmptyValue, valueOrNull } from "../lazy.ts";

export const isBlank = defineLazyFunction({
  name: "ISBLANK",
  aliases: ["ISEMPTY"],
  chain: "isBlank",
  category: "logic",
  summary: "Whether a value is empty: NULL, text of blanks only, or a field the record does not have.",
  parameters: [{ name: "value", type: "any", summary: "value to test" }],
  returns: "boolean",
  examples: [
    { formula: "ISBLANK(email)", record: { email: "  " }, output: true },
    { formula: "ISBLANK(0)", output: false },
    { formula: "ISBLANK(NULL)", output: true },
  ],
  lazy: ([value], scope) => isEmptyValue(valueOrNull(value!, scope)),
});
