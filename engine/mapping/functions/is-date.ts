import { MappingError } from "../error.ts";
import { defineFunction } from "../function.ts";
import { parseIso } from "../moment.ts";

export const isDate = defineFunction({
  name: "ISDATE",
  chain: "isDate",
  category: "logic",
  summary: "Whether a value is an existing date in ISO form, with or without time.",
  parameters: [{ name: "value", type: "any", summary: "value to test" }],
  returns: "boolean",
  examples: [
    { formula: 'ISDATE("2026-11-23")', output: true },
    { formula: 'ISDATE("2026-02-30")', output: false },
    { formula: "ISDATE(NULL)", output: false },
  ],
  apply: ([value], env) => {
    if (typeof value !== "string") return false;
    try {
      return parseIso(value, () => env.timeZone) !== undefined;
    } catch (error) {
      if (error instanceof MappingError) return false;
      throw error;
    }
  },
});
