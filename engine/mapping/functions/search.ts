import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { placeOf } from "../text.ts";
import { quote } from "../value.ts";

export const search = defineFunction({
  name: "SEARCH",
  chain: null,
  category: "text",
  summary: "Place of a text in another, counted from 1; capitals and small letters are the same.",
  parameters: [
    { name: "wanted", type: "text", empty: "error", summary: "text to look for" },
    { name: "text", type: "text", empty: "propagate", summary: "text to look in" },
    { name: "start", type: "integer", optional: true, summary: "first place to look at, counted from 1" },
  ],
  returns: "integer",
  examples: [
    { formula: 'SEARCH("GMBH", "Orchard GmbH")', output: 9 },
    { formula: 'SEARCH("AG", "Orchard GmbH")', error: 'expected "AG" in' },
  ],
  apply: ([wanted, text, start = 1]) => {
    if (start < 1) fail("out_of_range", `expected a start counted from 1, found ${start}`, 2);
    const place = placeOf(text.toLowerCase(), wanted.toLowerCase(), start - 1);
    return place < 0
      ? fail("not_found", `expected ${quote(wanted)} in ${quote(text)}, found it nowhere; test with CONTAINS first`, 1)
      : place + 1;
  },
});
