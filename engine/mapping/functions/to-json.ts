import { defineFunction } from "../function.ts";
import { toJson } from "../value.ts";

export const toJsonText = defineFunction({
  name: "TOJSON",
  chain: "toJson",
  category: "convert",
  summary: "Writes a value as JSON text.",
  parameters: [{ name: "value", type: "any", summary: "any value" }],
  returns: "text",
  examples: [
    { formula: "TOJSON({ a: [1, 0.1 + 0.2, NULL] })", output: '{"a":[1,0.3,null]}' },
    { formula: "TOJSON(NULL)", output: "null" },
  ],
  apply: ([value]) => JSON.stringify(toJson(value)),
});
