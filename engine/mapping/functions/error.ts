import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { NOTHING } from "../types.ts";

export const errorFunction = defineFunction({
  name: "ERROR",
  chain: null,
  category: "logic",
  summary: "Refuses the record with a reason of your own.",
  parameters: [{ name: "reason", type: "text", empty: "error", summary: "what people will read" }],
  returns: () => NOTHING,
  check: ([reason]) =>
    typeof reason === "string" && reason.trim() === ""
      ? { argument: 0, message: "expected a reason, found empty text" }
      : undefined,
  examples: [
    {
      formula: 'IF(total < 0, ERROR("credit notes go elsewhere"), total)',
      record: { total: -5 },
      error: "credit notes go elsewhere",
    },
    { formula: 'IF(total < 0, ERROR("credit notes go elsewhere"), total)', record: { total: 5 }, output: 5 },
  ],
  apply: ([reason]) => fail("raised", reason),
});
