import { toText } from "../coerce.ts";
import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { readNumber } from "../read-number.ts";
import { describeValue, isNumber, quote } from "../value.ts";

export const number = defineFunction({
  name: "NUMBER",
  aliases: ["VALUE", "NUMBERVALUE"],
  category: "convert",
  summary: "Turns text into a number, strictly: what is not clearly one number is a reason. Numbers stay as they are.",
  parameters: [
    { name: "value", type: "any", empty: "propagate", summary: "text or number" },
    {
      name: "decimal",
      type: "text",
      optional: true,
      summary: 'decimal separator of the text; without it only "12.50" without groups is read',
      choices: [".", ","],
    },
    {
      name: "group",
      type: "text",
      optional: true,
      summary: "separator of thousands; default the other of point and comma",
      choices: [".", ",", " ", "'"],
    },
  ],
  returns: "decimal",
  check: ([, decimal]) =>
    typeof decimal === "string" && decimal !== "." && decimal !== ","
      ? { argument: 1, message: `expected "." or "," as decimal separator, found ${quote(decimal)}` }
      : undefined,
  examples: [
    { formula: 'NUMBER("12,50", ",")', output: 12.5 },
    { formula: 'NUMBER("1.234,56", ",")', output: 1234.56 },
    { formula: 'NUMBER("1 234.5", ".", " ")', output: 1234.5 },
    { formula: 'NUMBER("12345678901234567890.12")', output: "12345678901234567890.12" },
    { formula: 'NUMBER("12,50")', error: "say which separator it has" },
    { formula: 'NUMBER("1.23,4", ",")', error: "expected a number" },
    { formula: "NUMBER(NULL)", output: null },
  ],
  apply: ([value, decimal, group]) => {
    if (isNumber(value)) return value;
    if (typeof value === "string") return readNumber(value, decimal, group);
    if (Array.isArray(value))
      return value.map((item) =>
        isNumber(item) || item === null ? item : readNumber(toText(item, 0), decimal, group),
      );
    return fail("not_a_number", `expected text or a number, found ${describeValue(value)}`, 0);
  },
});
