import { toText } from "../coerce.ts";
import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { isWhole } from "../number.ts";
import { readNumber } from "../read-number.ts";
import { describeValue, isNumber, type Value } from "../value.ts";

export const integer = defineFunction({
  name: "INTEGER",
  category: "convert",
  summary:
    "Turns text or a number into a whole number; one with digits after the point is a reason, use ROUND or INT before.",
  parameters: [{ name: "value", type: "any", empty: "propagate", summary: "text or number" }],
  returns: "integer",
  examples: [
    { formula: 'INTEGER("042")', output: 42 },
    { formula: "INTEGER(7.0)", output: 7 },
    { formula: 'INTEGER("7.5")', error: "expected a whole number" },
    { formula: "INTEGER(NULL)", output: null },
  ],
  apply: ([value]) => {
    const convert = (item: Value): Value => {
      if (item === null) return null;
      const number = isNumber(item) ? item : readNumber(toText(item, 0), undefined, undefined);
      if (!isWhole(number))
        fail("not_an_integer", `expected a whole number, found ${describeValue(item)}; use ROUND or INT first`, 0);
      return number;
    };
    return Array.isArray(value) ? value.map(convert) : convert(value);
  },
});
