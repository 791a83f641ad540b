import { defineFunction } from "../function.ts";
import { splitPath } from "../names.ts";
import { ANY } from "../types.ts";
import { isRecord, type Value } from "../value.ts";

export const get = defineFunction({
  name: "GET",
  category: "lookup",
  summary: "A value inside a record by its path; another value when it is not there.",
  parameters: [
    { name: "record", type: "any", empty: "propagate", summary: "record or list" },
    { name: "path", type: "text", summary: 'such as "address.city" or "lines.1.sku", items counted from 1' },
    { name: "otherwise", type: "any", optional: true, summary: "when it is not there, default NULL" },
  ],
  returns: () => ANY,
  examples: [
    { formula: 'GET(customer, "address.city")', record: { customer: { address: { city: "Graz" } } }, output: "Graz" },
    { formula: 'GET(customer, "phone", "none")', record: { customer: {} }, output: "none" },
    { formula: 'GET([{ a: 7 }], "1.a")', output: 7 },
    { formula: 'GET(NULL, "city")', output: null },
  ],
  apply: ([record, path, otherwise = null]) => {
    let value: Value | undefined = record;
    for (const part of splitPath(path)) {
      if (Array.isArray(value)) value = /^\d+$/.test(part) ? value[Number(part) - 1] : undefined;
      else value = value !== undefined && isRecord(value) && Object.hasOwn(value, part) ? value[part] : undefined;
      if (value === undefined) return otherwise;
    }
    return value ?? otherwise;
  },
});
