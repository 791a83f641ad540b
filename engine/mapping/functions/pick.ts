import { defineFunction } from "../function.ts";
import { type RecordValue, setField } from "../value.ts";

export const pick = defineFunction({
  name: "PICK",
  category: "lookup",
  summary: "A record with only the fields named; one it does not have is left out.",
  parameters: [
    { name: "record", type: "record", summary: "nested record" },
    { name: "name", type: "text", variadic: true, summary: "names of fields" },
  ],
  returns: "record",
  examples: [
    { formula: 'PICK({ a: 1, b: 2, c: 3 }, "c", "a", "x")', output: { c: 3, a: 1 } },
    { formula: 'PICK(NULL, "a")', output: null },
  ],
  apply: ([record, ...names]) => {
    const picked: RecordValue = {};
    for (const name of names) if (Object.hasOwn(record, name)) setField(picked, name, record[name]!);
    return picked;
  },
});
