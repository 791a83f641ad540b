import { defineFunction } from "../function.ts";
import { instantToLocal, writeDate } from "../moment.ts";

export const today = defineFunction({
  name: "TODAY",
  chain: null,
  category: "date",
  summary: "The date on which the run began, in its time zone.",
  parameters: [],
  returns: "date",
  examples: [
    { formula: "TODAY()", output: "2026-11-23" },
    { formula: "TODAY() + 14", output: "2026-12-07" },
  ],
  apply: (_, env) => writeDate(instantToLocal(env.now.getTime(), env.timeZone)),
});
