import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { sliceText, textLength } from "../text.ts";

export const truncate = defineFunction({
  name: "TRUNCATE",
  category: "text",
  summary: "Cuts a text that is longer than the limit on purpose, with an ending if wanted.",
  parameters: [
    { name: "text", type: "text", summary: "text to cut" },
    { name: "limit", type: "integer", summary: "longest result in characters" },
    { name: "ending", type: "text", optional: true, summary: "put at the end of a cut text, counts as part of it" },
  ],
  returns: "text",
  examples: [
    { formula: 'TRUNCATE("Wooden chair, oak", 12, "…")', output: "Wooden chai…" },
    { formula: 'TRUNCATE("Chair", 12)', output: "Chair" },
    { formula: 'TRUNCATE("Chair", 2, "...")', error: "shorter than its ending" },
  ],
  apply: ([text, limit, ending = ""]) => {
    const room = limit - textLength(ending);
    if (room < 0) fail("out_of_range", `a limit of ${limit} is shorter than its ending`, 1);
    return textLength(text) <= limit ? text : sliceText(text, 0, room) + ending;
  },
});
