import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { add, multiply } from "../number.ts";

export const sequence = defineFunction({
  name: "SEQUENCE",
  chain: null,
  category: "list",
  summary: "A list of numbers: so many, from a start, with a step.",
  parameters: [
    { name: "count", type: "integer", summary: "how many, at most 10000" },
    { name: "start", type: "number", optional: true, summary: "first number, default 1" },
    { name: "step", type: "number", optional: true, summary: "difference, default 1" },
  ],
  returns: () => ({ type: "list", nullable: true, element: { type: "decimal", nullable: false } }),
  examples: [
    { formula: "SEQUENCE(3)", output: [1, 2, 3] },
    { formula: "SEQUENCE(3, 0, 0.1)", output: [0, 0.1, 0.2] },
    { formula: "SEQUENCE(100000)", error: "0 to 10000" },
  ],
  apply: ([count, start = 1, step = 1]) => {
    if (count < 0 || count > 10_000) fail("out_of_range", `expected 0 to 10000 numbers, found ${count}`, 0);
    return Array.from({ length: count }, (_, index) => add(start, multiply(step, index)));
  },
});
