import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { writeInstant } from "../moment.ts";
import { exact, multiply } from "../number.ts";
import { quote } from "../value.ts";

export const fromUnix = defineFunction({
  name: "FROMUNIX",
  chain: "fromUnix",
  category: "date",
  summary: "The moment so many seconds (or milliseconds) after 1 January 1970 UTC.",
  parameters: [
    { name: "number", type: "number", summary: "seconds or milliseconds" },
    {
      name: "unit",
      type: "text",
      optional: true,
      summary: "second (default) or millisecond",
      choices: ["second", "millisecond"],
    },
  ],
  returns: "datetime",
  examples: [
    { formula: "FROMUNIX(1795428000)", output: "2026-11-23T10:00:00.000Z" },
    { formula: 'FROMUNIX(1795428000250, "millisecond")', output: "2026-11-23T10:00:00.250Z" },
    { formula: "FROMUNIX(1795428000250)", error: "outside the years" },
  ],
  apply: ([number, unit = "second"]) => {
    if (!/^(milli)?seconds?$/.test(unit)) fail("bad_value", `expected second or millisecond, found ${quote(unit)}`, 1);
    return writeInstant(
      exact(unit.startsWith("milli") ? number : multiply(number, 1000))
        .floor()
        .toNumber(),
    );
  },
});
