import { toText } from "../coerce.ts";
import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { LONGEST_TEXT } from "../text.ts";
import type { Value } from "../value.ts";
import { spend } from "../work.ts";

export const concat = defineFunction({
  name: "CONCAT",
  aliases: ["CONCATENATE"],
  category: "text",
  summary: "Joins values to one text; empty ones add nothing, the items of lists are joined too.",
  parameters: [{ name: "value", type: "any", variadic: true, summary: "texts, numbers or lists of them" }],
  returns: "text",
  examples: [
    { formula: 'CONCAT("INV-", 2026, "-", 7)', output: "INV-2026-7" },
    { formula: 'CONCAT(first, " ", last)', record: { first: "Ana", last: null }, output: "Ana " },
    { formula: "CONCAT({a: 1})", error: "expected text, found a record" },
  ],
  apply: (values) => {
    const write = (value: Value, argument: number): string => {
      if (Array.isArray(value)) spend(value.length + 1);
      if (value === null) return "";
      return Array.isArray(value) ? value.map((item) => write(item, argument)).join("") : toText(value, argument);
    };
    let text = "";
    for (let index = 0; index < values.length; index += 1) text += write(values[index]!, index);
    if (text.length > LONGEST_TEXT)
      fail("too_long", `expected at most ${LONGEST_TEXT} characters, this makes ${text.length}`);
    return text;
  },
});
