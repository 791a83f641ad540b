import { describe, expect, test } from "vitest";
import { type ConvertOptions, convertValue } from "./convert-value.ts";
import type { FieldType, Json } from "./types.ts";

describe("convertValue accepts what means the same", () => {
  test.each<[Json, FieldType, ConvertOptions, Json]>([
    ["12.50", "decimal", { precision: 4, scale: 2 }, 12.5],
    ["12345678901234567890.12", "decimal", {}, "12345678901234567890.12"],
    ["9007199254740993", "integer", {}, "9007199254740993"],
    ["42", "integer", {}, 42],
    [5, "text", {}, "5"],
    ["👍👍", "text", { maxLength: 2 }, "👍👍"],
    ["true", "boolean", {}, true],
    ["2026-11-23", "date", {}, "2026-11-23"],
    ["2026-11-23T10:00:00.123456+01:00", "datetime", {}, "2026-11-23T10:00:00.123456+01:00"],
    ["14:30", "time", {}, "14:30"],
    [null, "integer", {}, null],
    [{ qty: "2" }, "record", { fields: [{ name: "qty", type: "integer" }] }, { qty: 2 }],
    [[{ qty: "2" }], "list", { fields: [{ name: "qty", type: "integer" }] }, [{ qty: 2 }]],
  ])("%j as %s", (value, type, options, expected) => {
    expect(convertValue(value, type, options)).toEqual({ ok: true, value: expected });
  });
});

describe("convertValue refuses what would change the value", () => {
  test.each<[Json, FieldType, ConvertOptions, string, RegExp]>([
    ["12,50", "decimal", {}, "not_a_number", /number\(","\)/],
    ["", "integer", {}, "not_an_integer", /whenEmpty/],
    ["NaN", "decimal", {}, "not_a_number", /IFERROR/],
    ["-Infinity", "decimal", {}, "not_a_number", /IFERROR/],
    ["042", "integer", {}, "not_an_integer", /integer/],
    ["1e3", "integer", {}, "not_an_integer", /integer/],
    [1.5, "integer", {}, "not_an_integer", /round/],
    [123.456, "decimal", { precision: 5, scale: 2 }, "too_many_decimals", /round\(2\)/],
    [12345, "decimal", { precision: 5, scale: 2 }, "too_large", /source/],
    ["Graz-Umgebung", "text", { maxLength: 4 }, "too_long", /truncate\(4\)/],
    ["piad", "text", { options: ["open", "paid"] }, "not_an_option", /Did you mean "paid"/],
    ["yes", "boolean", {}, "not_a_boolean", /boolean/],
    [1, "boolean", {}, "not_a_boolean", /boolean/],
    ["23.11.2026", "date", {}, "not_a_date", /parseDate/],
    ["2026-02-30", "date", {}, "not_a_date", /source/],
    ["2026-11-23T10:00:00Z", "date", {}, "not_a_date", /date/],
    ["2026-11-23", "datetime", {}, "not_a_date", /dateTime/],
    ["24:00", "time", {}, "not_a_time", /formatDate/],
    [null, "text", { required: true }, "required", /whenEmpty/],
    [{ a: 1 }, "text", {}, "not_text", /toJson/],
    [[{ qty: "x" }], "list", { fields: [{ name: "qty", type: "integer" }] }, "not_an_integer", /integer/],
  ])("%j as %s", (value, type, options, code, remedy) => {
    expect(convertValue(value, type, options)).toMatchObject({
      ok: false,
      code,
      remedy: expect.stringMatching(remedy),
    });
  });
});
