import { defineFunction } from "../function.ts";
import { type RecordValue, setField } from "../value.ts";

export const merge = defineFunction({
  name: "MERGE",
  category: "lookup",
  summary: "One record of several; a later one wins.",
  parameters: [
    { name: "record", type: "record", summary: "first record" },
    { name: "other", type: "record", variadic: true, summary: "laid over it" },
  ],
  returns: "record",
  examples: [
    { formula: "MERGE({ a: 1, b: 2 }, { b: 3 })", output: { a: 1, b: 3 } },
    { formula: "MERGE({ a: 1 }, NULL)", error: "found nothing" },
  ],
  apply: (records) => {
    const merged: RecordValue = {};
    for (const record of records) for (const [name, value] of Object.entries(record)) setField(merged, name, value);
    return merged;
  },
});
