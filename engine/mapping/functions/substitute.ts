import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";

export const substitute = defineFunction({
  name: "SUBSTITUTE",
  chain: "replace",
  chainAliases: ["substitute"],
  category: "text",
  summary: "Replaces a text wherever it occurs, or only its n-th occurrence; capitals matter.",
  parameters: [
    { name: "text", type: "text", summary: "text to change" },
    { name: "old", type: "text", summary: "what to replace" },
    { name: "new", type: "text", summary: "what to put there" },
    { name: "occurrence", type: "integer", optional: true, summary: "which one, counted from 1; default: all" },
  ],
  returns: "text",
  examples: [
    { formula: 'SUBSTITUTE("1 234 567", " ", "")', output: "1234567" },
    { formula: 'SUBSTITUTE("a-b-c", "-", "/", 2)', output: "a-b/c" },
    { formula: 'SUBSTITUTE("abc", "", "x")', output: "abc" },
    { formula: 'SUBSTITUTE("abc", "b", "x", 0)', error: "counted from 1" },
  ],
  apply: ([text, old, replacement, occurrence]) => {
    if (old === "") return text;
    if (occurrence === undefined) return text.replaceAll(old, () => replacement);
    if (occurrence < 1) fail("out_of_range", `expected an occurrence counted from 1, found ${occurrence}`, 3);
    let place = -1;
    for (let found = 0; found < occurrence; found += 1) {
      place = text.indexOf(old, place < 0 ? 0 : place + old.length);
      if (place < 0) return text;
    }
    return text.slice(0, place) + replacement + text.slice(place + old.length);
  },
});
