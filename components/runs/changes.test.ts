import { describe, expect, it } from "vitest";
import type { ChangeItem } from "../../server/trpc/contract/runs.ts";
import { changeLines, recordLine } from "./changes.ts";

const change = (rest: Partial<ChangeItem>): ChangeItem => ({
  id: "1",
  key: "10482",
  step: "books",
  connection: "Books",
  sink: "invoices",
  operation: "update",
  before: { net: "10.00", note: null },
  after: { net: "12.50", note: "paid" },
  undo: "possible",
  at: "2026-11-23T14:00:00Z",
  ...rest,
});

describe("lines of changes", () => {
  it("an update has a line for every field, and only the first one repeats the key", () => {
    const lines = changeLines([change({})], new Set());
    expect(lines.map(({ field, before, after, first }) => [field, before, after, first])).toEqual([
      ["net", "10.00", "12.50", true],
      ["note", null, "paid", false],
    ]);
  });
  it("a created record is one line until it is opened", () => {
    const created = change({ operation: "create", before: null });
    expect(changeLines([created], new Set())).toHaveLength(1);
    const open = changeLines([created], new Set(["1"]));
    expect(open.map(({ field, before, after }) => [field, before, after])).toEqual([
      ["net", undefined, "12.50"],
      ["note", undefined, "paid"],
    ]);
  });
  it("a deleted record keeps the values it had", () => {
    const [line] = changeLines([change({ operation: "delete", after: null })], new Set(["1"]));
    expect(line).toMatchObject({ field: "net", before: "10.00", after: undefined });
  });
  it("ids of lines are unique, also across changes", () => {
    const lines = changeLines([change({}), change({ id: "2" })], new Set());
    expect(new Set(lines.map((line) => line.id)).size).toBe(4);
  });
});

it("a record in one line leaves out what is empty and counts what does not fit", () => {
  expect(recordLine({ a: 1, b: null, c: "", d: "x", e: { f: 2 } }, 2)).toBe("a 1 · d x · 1 more");
  expect(recordLine(null)).toBe("");
});
