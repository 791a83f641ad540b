import { expect, it } from "vitest";
import { rangeKind, rangeOf } from "./past-range.ts";

it("both ends belong to the range, though the run begins after its start", () => {
  expect(rangeOf("date", "2026-03-01", "2026-03-31")).toEqual({ from: "2026-02-28", until: "2026-03-31" });
  expect(rangeOf("number", "100", "200")).toEqual({ from: 99, until: 200 });
  const moment = new Date("2026-03-01T08:30");
  expect(rangeOf("datetime", "2026-03-01T08:30", "2026-03-01T08:30")).toEqual({
    from: new Date(moment.getTime() - 1).toISOString(),
    until: moment.toISOString(),
  });
  expect(rangeOf("text", "B-100", "")).toEqual({ from: "B-100" });
});

it("an end that is left open is not asked for", () => {
  expect(rangeOf("date", "", " ")).toEqual({});
  expect(rangeOf("date", "", "2026-03-31")).toEqual({ until: "2026-03-31" });
});

it("a field is entered as what it holds", () => {
  expect(["datetime", "date", "integer", "decimal", "text", undefined].map(rangeKind)).toEqual([
    "datetime",
    "date",
    "number",
    "number",
    "text",
    "text",
  ]);
});
