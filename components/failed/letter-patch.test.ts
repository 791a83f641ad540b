import { describe, expect, it } from "vitest";
import { editsOf, patchOf } from "./letter-patch.ts";

const record = { id: 7, email: "", total: 12.5, paid: false, note: null, lines: [{ sku: "A" }] };
const edit = (field: string, text: string) =>
  editsOf(record).map((one) => (one.field === field ? { ...one, text } : one));

describe("correcting a record", () => {
  it("shows every field as text, and one that is missing but was wanted", () => {
    expect(editsOf({ a: 1 }, "currency").map(({ field, text }) => [field, text])).toEqual([
      ["a", "1"],
      ["currency", ""],
    ]);
    expect(editsOf({ a: 1 }, "customer.name")).toHaveLength(1);
  });
  it("sends nothing for what was left alone", () => {
    expect(patchOf(record, editsOf(record))).toEqual({ patch: {}, problems: {} });
  });
  it.each([
    ["email", "ana@example.com", "ana@example.com"],
    ["total", "13", 13],
    ["total", "12,50", "12,50"],
    ["paid", "true", true],
    ["note", "late", "late"],
    ["id", "", null],
    ["lines", '[{"sku":"B"}]', [{ sku: "B" }]],
  ])("%s as “%s” keeps its kind where it can", (field, text, value) => {
    expect(patchOf(record, edit(field, text)).patch).toEqual({ [field]: value });
  });
  it("names JSON that does not parse", () => {
    const { patch, problems } = patchOf(record, edit("lines", "["));
    expect(patch).toEqual({});
    expect(Object.keys(problems)).toEqual(["lines"]);
  });
});
