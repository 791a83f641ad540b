import { describe, expect, test } from "vitest";
import { ruleSchema } from "../../../engine/steps/rules/schema.ts";
import { hasBounds, readBound, readValues, ruleKindOf, ruleKinds, ruleOfKind } from "./rule-words.ts";

describe("rules as they are chosen", () => {
  test("every kind begins as a valid rule and is recognised again", () => {
    for (const { value } of ruleKinds) {
      const rule = ruleOfKind(value, { field: "total" });
      expect(ruleSchema.safeParse(rule).success).toBe(true);
      expect(ruleKindOf(rule)).toBe(value === "range" ? "is" : value);
    }
  });

  test("another kind keeps field and message", () => {
    expect(ruleOfKind("unique", { field: "no", is: "text", message: "Twice" })).toEqual({
      field: "no",
      message: "Twice",
      unique: true,
    });
  });

  test("bounds are numbers where they look like one, dates as written, or none", () => {
    expect([readBound("12.5"), readBound("-3"), readBound("2026-11-23"), readBound(" ")]).toEqual([
      12.5,
      -3,
      "2026-11-23",
      undefined,
    ]);
  });

  test("values come one a line or between commas", () => {
    expect(readValues("EUR, USD\nCHF")).toEqual(["EUR", "USD", "CHF"]);
    expect(readValues("")).toEqual([""]);
  });

  test("a least and a most are asked for where there is an order, and shown where one is set", () => {
    expect([hasBounds({ is: "number" }), hasBounds({ is: "date" }), hasBounds({ min: 1 })]).toEqual([true, true, true]);
    expect([hasBounds({ is: "email" }), hasBounds({ is: "email", max: 3 })]).toEqual([false, true]);
  });
});
