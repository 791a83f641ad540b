import { toText } from "../coerce.ts";
import { isEqual } from "../compare.ts";
import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { describeValue, type Value } from "../value.ts";

const WORDS: { [word: string]: boolean } = {
  true: true,
  yes: true,
  y: true,
  "1": true,
  on: true,
  false: false,
  no: false,
  n: false,
  "0": false,
  off: false,
};

export const boolean = defineFunction({
  name: "BOOLEAN",
  category: "convert",
  summary: "TRUE or FALSE from a word (true/false, yes/no, y/n, on/off, 1/0) or from words of your own.",
  parameters: [
    { name: "value", type: "any", empty: "propagate", summary: "text, number or TRUE/FALSE" },
    { name: "yes", type: "any", optional: true, summary: "word, or list of words, that means TRUE" },
    { name: "no", type: "any", optional: true, summary: "word, or list of words, that means FALSE" },
  ],
  returns: "boolean",
  examples: [
    { formula: 'BOOLEAN("Yes")', output: true },
    { formula: 'BOOLEAN("nein", ["ja", "j"], ["nein", "n"])', output: false },
    { formula: "BOOLEAN(0)", output: false },
    { formula: 'BOOLEAN("maybe")', error: "expected yes or no" },
  ],
  apply: ([value, yes, no], env) => {
    if (typeof value === "boolean") return value;
    const text = toText(value, 0).trim();
    const among = (words: Value) => (Array.isArray(words) ? words : [words]).some((word) => isEqual(word, text, env));
    if (yes !== undefined && among(yes)) return true;
    if (no !== undefined && among(no)) return false;
    const word = yes === undefined ? WORDS[text.toLowerCase()] : undefined;
    return (
      word ??
      fail(
        "not_a_boolean",
        `expected ${yes === undefined ? "yes or no" : "one of the words given"}, found ${describeValue(value)}`,
        0,
      )
    );
  },
});
