import { numbersWhere } from "../criterion.ts";
import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { add, divide } from "../number.ts";

export const averageIf = defineFunction({
  name: "AVERAGEIF",
  chain: null,
  category: "number",
  summary: "Mean of the numbers at the places where a list meets a condition, written as in spreadsheets.",
  parameters: [
    { name: "list", type: "list", summary: "values the condition is about" },
    { name: "condition", type: "any", summary: 'a value, or text such as ">=5", "<>A" or "A*"' },
    {
      name: "numbers",
      type: "list",
      optional: true,
      summary: "what is averaged, as long as the list; the list itself when left out",
    },
  ],
  returns: "decimal",
  examples: [
    { formula: 'AVERAGEIF(["A", "B", "A"], "A", [1, 9, 4])', output: 2.5 },
    { formula: 'AVERAGEIF([1, 2, 3], ">1")', output: 2.5 },
    { formula: 'AVERAGEIF([1, 2], ">5")', error: "no numbers" },
  ],
  apply: ([list, condition, numbers], env) => {
    const found = numbersWhere(list, condition, numbers, env);
    if (found.length === 0) fail("empty", "there are no numbers to take the mean of", 0);
    return divide(found.reduce(add), found.length);
  },
});
