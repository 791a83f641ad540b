import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { ANY } from "../types.ts";
import { describeValue } from "../value.ts";

export const indexItem = defineFunction({
  name: "INDEX",
  chain: "item",
  chainAliases: ["index"],
  category: "list",
  summary: "An item by its number, counted from 1, from the end with a negative number; lines[1] means the same.",
  parameters: [
    { name: "list", type: "list", summary: "items" },
    { name: "number", type: "integer", summary: "which one" },
  ],
  returns: ([list]) => list?.element ?? ANY,
  examples: [
    { formula: 'INDEX(["a", "b", "c"], 2)', output: "b" },
    { formula: 'INDEX(["a", "b", "c"], -1)', output: "c" },
    { formula: "INDEX([1], 2)", error: "a list of 1 item" },
  ],
  apply: ([list, number]) => {
    const place = number > 0 ? number - 1 : list.length + number;
    if (number === 0 || place < 0 || place >= list.length) {
      fail("out_of_range", `expected the number of an item from 1, found ${number} for ${describeValue(list)}`, 1);
    }
    return list[place]!;
  },
});
