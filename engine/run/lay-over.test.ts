import { expect, it } from "vitest";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { readerOf } from "../steps/field-access.ts";
import { layOver } from "./lay-over.ts";

it("a correction goes where steps read the field", () => {
  const record: JsonRecord = {
    no: 1,
    line: { qty: 0, sku: "a" },
    "a.b": "flat",
    gone: null,
    list: [{ n: 1 }],
    text: "x",
  };
  const patch = { no: 2, "line.qty": 9, "a.b": "c", "gone.deep": 1, "new.deep.er": 2, "list.n": 3, "text.n": 4 };
  const laid = layOver(record, patch);
  expect(laid).toEqual({
    no: 2,
    line: { qty: 9, sku: "a" },
    "a.b": "c",
    gone: { deep: 1 },
    new: { deep: { er: 2 } },
    list: [{ n: 1 }],
    "list.n": 3,
    text: "x",
    "text.n": 4,
  });
  for (const [name, value] of Object.entries(patch)) expect(readerOf(name)(laid)).toEqual(value);
  expect(record.line).toEqual({ qty: 0, sku: "a" });
  expect(layOver(record, undefined)).toBe(record);
});

it("no name reaches what objects inherit", () => {
  const laid = layOver({}, JSON.parse('{"__proto__":1,"constructor.prototype":2}') as JsonRecord);
  expect(Object.keys(laid)).toEqual(["__proto__", "constructor"]);
  expect(Object.getPrototypeOf(laid)).toBe(Object.prototype);
});
