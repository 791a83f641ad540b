import { defineFunction } from "../function.ts";
import { writeInstant } from "../moment.ts";

export const now = defineFunction({
  name: "NOW",
  chain: null,
  category: "date",
  summary: "The moment at which the run began.",
  parameters: [],
  returns: "datetime",
  examples: [
    { formula: "NOW()", output: "2026-11-23T10:00:00.000Z" },
    { formula: "NOW() - 0.5", output: "2026-11-22T22:00:00.000Z" },
  ],
  apply: (_, env) => writeInstant(env.now.getTime()),
});
