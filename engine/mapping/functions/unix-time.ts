import { defineFunction } from "../function.ts";
import { toInstant } from "../moment.ts";
import { divide } from "../number.ts";

export const unixTime = defineFunction({
  name: "UNIXTIME",
  chain: "unixTime",
  category: "date",
  summary: "Seconds since 1 January 1970 UTC.",
  parameters: [{ name: "date", type: "date", summary: "date, with or without time" }],
  returns: "decimal",
  examples: [
    { formula: 'UNIXTIME("2026-11-23T10:00:00Z")', output: 1795428000 },
    { formula: 'UNIXTIME("1970-01-01T00:00:00.250Z")', output: 0.25 },
    { formula: "UNIXTIME(NULL)", output: null },
  ],
  apply: ([moment], env) =>
    divide(
      toInstant(moment, () => env.timeZone),
      1000,
    ),
});
