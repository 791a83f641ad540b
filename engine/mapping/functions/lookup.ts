import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { findInTable, tableProblem } from "../table.ts";
import { ANY } from "../types.ts";
import { describeValue, quote, type Value } from "../value.ts";

export const lookup = defineFunction({
  name: "LOOKUP",
  category: "lookup",
  summary: "What a small table says for a value; capitals and blanks around it do not count.",
  parameters: [
    { name: "value", type: "any", empty: "propagate", summary: "value to look up" },
    {
      name: "table",
      type: "any",
      empty: "error",
      summary: 'name of a table, { Germany: "DE" } or [["Germany", "DE"]]',
    },
    {
      name: "otherwise",
      type: "any",
      optional: true,
      summary: "when the table does not have it; without it that is a reason",
    },
  ],
  returns: () => ANY,
  check: ([, table]) => tableProblem(table, 1),
  examples: [
    { formula: 'LOOKUP(" €", "currencies")', output: "EUR" },
    { formula: 'LOOKUP("Germany", { Germany: "DE", Austria: "AT" })', output: "DE" },
    { formula: 'LOOKUP(19, [[19, "standard"], [7, "reduced"]])', output: "standard" },
    { formula: 'LOOKUP("Narnia", { Germany: "DE" }, NULL)', output: null },
    { formula: 'LOOKUP("Narnia", { Germany: "DE" })', error: 'no entry for text "Narnia"' },
  ],
  apply: ([value, table, otherwise], env) => {
    const search = (item: Value): Value => {
      if (item === null) return null;
      const found = findInTable(item, table, env);
      if (found !== undefined) return found;
      if (otherwise !== undefined) return otherwise;
      const name = typeof table === "string" ? `table ${quote(table)}` : "the table";
      return fail(
        "not_found",
        `${name} has no entry for ${describeValue(item)}; add one, or give a third argument for that case`,
        0,
      );
    };
    return Array.isArray(value) ? value.map(search) : search(value);
  },
});
