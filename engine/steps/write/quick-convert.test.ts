import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Field, Json } from "../../../connectors/sdk/types.ts";
import { convertValue } from "../../mapping/convert-value.ts";
import { FIELD_TYPES } from "../../mapping/types.ts";
import { misfit } from "./fits.ts";
import { quickConverter } from "./quick-convert.ts";

const field = fc.record(
  {
    name: fc.constant("f"),
    type: fc.constantFrom(...FIELD_TYPES),
    required: fc.boolean(),
    nullable: fc.boolean(),
    maxLength: fc.integer({ min: 0, max: 6 }),
    precision: fc.integer({ min: 1, max: 12 }),
    scale: fc.integer({ min: 0, max: 6 }),
    options: fc.constant(["a", "1"]),
  },
  { requiredKeys: ["name", "type"] },
) as fc.Arbitrary<Field>;

const value = fc.oneof(
  fc.constantFrom<Json>(
    null,
    "",
    "a",
    "12.50",
    "12,50",
    "007",
    "-0",
    "1e3",
    "true",
    "2026-11-23",
    true,
    [],
    [1],
    {},
    -0,
    0.1,
    1.005,
    2.675,
    1e21,
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.integer({ min: -99_999_999, max: 99_999_999 }).map((cents) => cents / 100),
  fc
    .tuple(fc.integer({ min: -9_999, max: 9_999 }), fc.stringMatching(/^[0-9]{1,7}$/))
    .map(([whole, digits]) => `${whole}.${digits}`),
  fc.string({ maxLength: 8, unit: "grapheme" }),
) as fc.Arbitrary<Json>;

describe("the quick way to convert a value", () => {
  it("never says anything else than convertValue", () => {
    fc.assert(
      fc.property(field, value, (target, given) => {
        const quick = quickConverter(target)(given);
        if (quick === undefined) return;
        expect(JSON.stringify({ ok: true, value: quick })).toBe(
          JSON.stringify(convertValue(given, target.type, target)),
        );
      }),
      { numRuns: 20_000 },
    );
  });

  it("decides prices, names and numbers by itself", () => {
    const price = quickConverter({ name: "price", type: "decimal", precision: 12, scale: 2 });
    expect(["12.50", 12.5, 0, 0.1, "99999999.99"].map(price)).toEqual([12.5, 12.5, 0, 0.1, 99999999.99]);
    expect(quickConverter({ name: "name", type: "text", maxLength: 3 })("Ana")).toBe("Ana");
  });

  it("takes whole numbers of any kind into an integer, and none with digits after the point", () => {
    const from = { name: "quantity", type: "decimal" } as const;
    const to = { name: "quantity", type: "integer" } as const;
    expect(misfit(from, to)).toBeUndefined();
    expect(convertValue("3", "integer", {})).toMatchObject({ ok: true });
    expect(convertValue("3.5", "integer", {})).toMatchObject({ ok: false });
  });
});
