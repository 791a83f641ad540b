import { describe, expect, it } from "vitest";
import type { Json, JsonRecord } from "../../../connectors/sdk/types.ts";
import { OPEN } from "../shape.ts";
import { memoryContext } from "../testing.ts";
import { compileRules, failureFrom } from "./compile-rules.ts";
import { type Rule, ruleSchema, type ValueKind } from "./schema.ts";

const context = memoryContext({ timeZone: "Europe/Berlin" });

function holds(rule: Rule, value: Json | undefined): boolean {
  const [compiled] = compileRules([ruleSchema.parse({ field: "x", ...rule })], OPEN);
  return compiled!.holds(value === undefined ? {} : { x: value }, context);
}

/** The whole message of a record that breaks rules. */
function message(
  rules: Rule[],
  record: JsonRecord,
  step = { id: "check", title: undefined as string | undefined },
): string {
  const broken = compileRules(rules, OPEN).filter((rule) => !rule.holds(record, context));
  return failureFrom(
    step,
    broken.map((rule) => rule.reason(record, context)),
  ).message;
}

const KINDS: { [K in ValueKind]: { good: Json[]; bad: Json[] } } = {
  text: { good: ["a", "12"], bad: [12, true, ["a"]] },
  number: {
    good: [0, -1.5, "12.50", "-3", "12345678901234567890.12"],
    bad: ["12,50", "1 200", "1e3", "007", "+5", ".5", true, "NaN"],
  },
  decimal: { good: ["12.50", 3], bad: ["12,50"] },
  integer: { good: [3, "3", "5.00", "98765432109876543210"], bad: [3.5, "3.5", "3,0", true] },
  boolean: { good: [true, false, "true"], bad: ["yes", 1, "TRUE"] },
  date: { good: ["2026-11-23", "2024-02-29"], bad: ["23.11.2026", "2026-02-29", "2026-11-23T10:00:00Z", 20261123] },
  datetime: {
    good: ["2026-11-23T10:00:00Z", "2026-11-23 10:00", "2026-11-23T10:00:00.123456+01:00"],
    bad: ["2026-11-23", "2026-11-23T25:00:00Z"],
  },
  time: { good: ["10:30", "23:59:59.5"], bad: ["24:00", "10.30"] },
  email: {
    good: ["ana@example.com", "a.b+c@mail.example.co.uk", "jörg@bücher.de"],
    bad: ["ana@example", "ana@@example.com", "ana example@x.de", "a..b@x.de", "ana@example.com ", "@x.de"],
  },
  url: {
    good: ["https://example.com/a?b=1", "http://localhost:80"],
    bad: ["example.com", "ftp://x.y", "https://a b", "javascript:alert(1)"],
  },
  phone: { good: ["+49 30 901820", "(030) 90 18-20"], bad: ["call me", "123", "+49 30 901820 ext 5"] },
  uuid: { good: ["1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b"], bad: ["1b4e28ba2fa14d3ba3f5ef19b5a7633b"] },
  iban: { good: ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"], bad: ["DE89370400440532013001", "DE89"] },
  currency: { good: ["EUR", "USD"], bad: ["EURO", "eur", "XYZ", "ZZZ"] },
  country: { good: ["DE", "FR"], bad: ["XX", "Germany", "de"] },
  json: { good: ['{"a":1}', [1], { a: 1 }, 3], bad: ["{a}"] },
  list: { good: [[], [1]], bad: ["a", { a: 1 }] },
  record: { good: [{ a: 1 }, {}], bad: [[1], "a"] },
};

describe.each(Object.entries(KINDS))("is: %s", (kind, { good, bad }) => {
  it.each(good.map((value) => [value]))("takes %j", (value) => {
    expect(holds({ is: kind as ValueKind }, value)).toBe(true);
  });
  it.each(bad.map((value) => [value]))("refuses %j", (value) => {
    expect(holds({ is: kind as ValueKind }, value)).toBe(false);
  });
  it.each([null, undefined, "", "  "])("refuses nothing (%j) unless it is optional", (value) => {
    expect(holds({ is: kind as ValueKind }, value)).toBe(false);
    expect(holds({ is: kind as ValueKind, optional: true }, value)).toBe(true);
  });
});

describe("bounds", () => {
  it("compare numbers exactly, whether they come as numbers or as text", () => {
    expect(holds({ min: 0 }, "-0.01")).toBe(false);
    expect(holds({ min: "0.1", max: 0.3 }, "0.30")).toBe(true);
    expect(holds({ max: "12345678901234567890.1" }, "12345678901234567890.2")).toBe(false);
    expect(holds({ min: 0 }, "12,50")).toBe(false);
  });

  it("compare dates by the moment, in the run's time zone", () => {
    expect(holds({ min: "2026-01-01" }, "2026-01-01")).toBe(true);
    expect(holds({ min: "2026-01-01" }, "2025-12-31T23:30:00Z")).toBe(true); // 00:30 in Berlin
    expect(holds({ max: "2026-01-01" }, "soon")).toBe(false);
  });

  it("of length count characters as people do, and items of a list", () => {
    expect(holds({ maxLength: 2 }, "🙂🙂")).toBe(true);
    expect(holds({ minLength: 2 }, ["a"])).toBe(false);
    expect(holds({ maxLength: 3 }, null)).toBe(true);
    expect(holds({ minLength: 1 }, null)).toBe(false);
  });
});

describe("a pattern", () => {
  it("is found anywhere unless it says otherwise", () => {
    expect(holds({ matches: "[0-9]+" }, "a12")).toBe(true);
    expect(holds({ matches: "^[0-9]+$" }, "a12")).toBe(false);
  });

  it("cannot hang the worker", () => {
    const started = performance.now();
    expect(holds({ matches: "^(a+)+$" }, `${"a".repeat(5_000)}b`)).toBe(false);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe("a reason", () => {
  it("says what was expected, what was found, where, and what to do next", () => {
    expect(message([{ field: "email", is: "email" }], { email: "ana@" })).toBe(
      'Step “check”, field “email”: expected an e-mail address, found "ana@". Correct it at the source, or here and retry.',
    );
    expect(message([{ field: "email", is: "email" }], {})).toBe(
      "Step “check”, field “email”: expected an e-mail address, found nothing. Fill it in here and retry, or mark the rule as optional.",
    );
  });

  it("names the step as the user does", () => {
    expect(message([{ field: "n", min: 0 }], { n: -5 }, { id: "c1", title: "Check orders" })).toBe(
      "Step “Check orders” (c1), field “n”: expected a number of at least 0, found -5. Correct it at the source, or here and retry.",
    );
  });

  it("lists all rules a record breaks, shortened", () => {
    const rules: Rule[] = ["a", "b", "c", "d", "e", "f"].map((field) => ({ field, required: true }));
    expect(message(rules.slice(0, 2), {})).toBe(
      "Step “check”, 2 reasons: “a” expected a value, found nothing; “b” expected a value, found nothing.",
    );
    expect(message(rules, {})).toContain("; and 1 more.");
    expect(message([{ field: "a", matches: "x" }], { a: "y".repeat(500) }).length).toBeLessThan(200);
  });

  it("can be in the user's own words", () => {
    expect(message([{ field: "a", oneOf: ["x"], message: "We only sell to x." }], { a: "y" })).toBe(
      "Step “check”, field “a”: We only sell to x.",
    );
  });

  it("tells a formula that is FALSE from one without a result", () => {
    expect(message([{ formula: "paid <= total" }], { paid: 2, total: 1 })).toBe(
      'Step “check”: expected "paid <= total" to be TRUE, found FALSE. Correct the record here and retry.',
    );
    const [rule] = compileRules([{ formula: "paid <= total" }], OPEN);
    expect(rule?.reason({ paid: 2 }, context)).toMatchObject({
      code: "missing-field",
      text: expect.stringContaining("has no result"),
    });
  });
});

describe("a field", () => {
  it("may be a path, and a name with a dot is taken as it is first", () => {
    const [rule] = compileRules([{ field: "customer.name", required: true }], OPEN);
    expect(rule?.holds({ customer: { name: "Ana" } }, context)).toBe(true);
    expect(rule?.holds({ "customer.name": "Ana" }, context)).toBe(true);
    expect(rule?.holds({ customer: "Ana" }, context)).toBe(false);
  });

  it("never means what objects inherit", () => {
    const [rule] = compileRules([{ field: "constructor", required: true }], OPEN);
    expect(rule?.holds({}, context)).toBe(false);
  });
});
