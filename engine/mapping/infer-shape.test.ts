import { expect, test } from "vitest";
import { inferShape } from "./infer-shape.ts";

test("fields are learnt from samples", () => {
  const fields = inferShape([
    {
      id: 1,
      total: 5,
      name: "Ana",
      on: "2026-11-23",
      at: "2026-11-23T10:00:00Z",
      zip: "08010",
      mixed: 1,
      who: { city: "Graz" },
      lines: [{ qty: 1 }],
    },
    {
      id: 2,
      total: 5.5,
      name: "",
      on: null,
      at: "2026-11-23T10:00:00Z",
      zip: "1010",
      mixed: "x",
      who: { city: null, zip: "1" },
      lines: [],
      extra: true,
    },
  ]);
  expect(fields.map(({ name, type, nullable, emptyShare }) => [name, type, nullable, emptyShare])).toEqual([
    ["id", "integer", false, 0],
    ["total", "decimal", false, 0],
    ["name", "text", false, 0.5],
    ["on", "date", true, 0.5],
    ["at", "datetime", false, 0],
    ["zip", "text", false, 0],
    ["mixed", "any", false, 0],
    ["who", "record", false, 0],
    ["lines", "list", false, 0],
    ["extra", "boolean", true, 0.5],
  ]);
  expect(fields[7]?.fields?.map(({ name, nullable }) => [name, nullable])).toEqual([
    ["city", true],
    ["zip", true],
  ]);
  expect(fields[8]?.fields?.map(({ name }) => name)).toEqual(["qty"]);
  expect(inferShape([])).toEqual([]);
});
