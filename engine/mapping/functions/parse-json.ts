import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { parseNumeric } from "../number.ts";
import { ANY } from "../types.ts";
import { describeValue, type Value } from "../value.ts";

export const parseJson = defineFunction({
  name: "PARSEJSON",
  chain: "parseJson",
  category: "convert",
  summary: "Reads a value from JSON text.",
  parameters: [{ name: "text", type: "text", summary: "JSON" }],
  returns: () => ANY,
  examples: [
    { formula: "PARSEJSON(payload).city", record: { payload: '{"city":"Graz"}' }, output: "Graz" },
    { formula: 'PARSEJSON("{city}")', error: "expected JSON" },
    { formula: "PARSEJSON(NULL)", output: null },
  ],
  apply: ([text]) => {
    try {
      return JSON.parse(text, exactNumbers) as Value;
    } catch {
      return fail("bad_format", `expected JSON, found ${describeValue(text)}`, 0);
    }
  },
});

/** Keeps the digits of numbers that a JavaScript number would change. */
function exactNumbers(this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || context?.source === undefined) return value;
  const number = parseNumeric(context.source);
  return number === undefined || typeof number === "number"
    ? (number ?? fail("overflow", "a number in the JSON has too many digits", 0))
    : String(value) === number.toString()
      ? value
      : number;
}
