import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chainToFormula, formulaToChain } from "./chain.ts";
import { chainMenu } from "./chain-functions.ts";
import { FormulaError } from "./error.ts";
import { type ChainItem, FieldMappingSchema } from "./field-mapping.ts";
import type { Json } from "./types.ts";

describe("a chain as a formula", () => {
  test.each<[Parameters<typeof chainToFormula>[0], string]>([
    [{ from: "customer_name", apply: ["trim", "titleCase"] }, "TITLECASE(TRIM(customer_name))"],
    [{ from: "customer.Unit price" }, "customer.[Unit price]"],
    [{ from: "total", apply: [{ fn: "number", args: [","] }, { round: [2] }] }, 'ROUND(NUMBER(total, ","), 2)'],
    [{ from: "total", apply: ["round(-2)", { padLeft: 8 }] }, "PADLEFT(ROUND(total, -2), 8)"],
    [
      { from: "d", apply: [{ parseDate: [["yyyy-MM-dd", "dd.MM.yyyy"]] }] },
      'PARSEDATE(d, ["yyyy-MM-dd", "dd.MM.yyyy"])',
    ],
    [{ from: "a", apply: [{ fn: "replace", args: ["a", "b"] }] }, 'SUBSTITUTE(a, "a", "b")'],
    [{ value: "EUR" }, '"EUR"'],
    [{ value: null }, "NULL"],
    [{ formula: "a + b", apply: ["round"] }, "ROUND(a + b)"],
    [{ from: "land", table: { Germany: "DE" } }, 'LOOKUP(land, { "Germany": "DE" })'],
    [{ from: "phone", whenEmpty: "none" }, 'IFEMPTY(phone, "none")'],
    [{ from: "phone", apply: ['toE164("DE")'] }, 'TOE164(phone, "DE")'],
  ])("%j", (rule, formula) => {
    expect(chainToFormula(rule)).toBe(formula);
  });

  test.each<[string, ReturnType<typeof formulaToChain>]>([
    ["PROPER( trim(customer_name) )", { from: "customer_name", apply: ["trim", "titleCase"] }],
    ["ROUND(total, 2)", { from: "total", apply: [{ fn: "round", args: [2] }] }],
    ['LOOKUP(c, { "€": "EUR" }, NULL)', { from: "c", apply: [{ fn: "lookup", args: [{ "€": "EUR" }, null] }] }],
    ["-5", { value: -5 }],
    ["a + 1", undefined],
    ["ROUND(total, digits)", undefined],
    ["IF(a, 1, 2)", undefined],
    ["ROUND(", undefined],
  ])("back from %s", (formula, chain) => {
    expect(formulaToChain(formula)).toEqual(chain);
  });

  test("an unknown function names the nearest", () => {
    expect(() => chainToFormula({ from: "a", apply: ["titlecaes"] })).toThrow(FormulaError);
    try {
      chainToFormula({ from: "a", apply: ["titlecaes"] });
    } catch (error) {
      expect((error as FormulaError).remedy).toBe('Did you mean "titleCase"?');
    }
  });

  test("every chain survives the way to a formula and back", () => {
    const json = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 2 },
        fc.string(),
        fc.integer(),
        fc
          .double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 })
          .map((number) => Number(number.toFixed(6)) + 0),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(fc.string({ minLength: 1 }), tie("value"), { maxKeys: 3, noNullPrototype: true }),
      ),
    })).value;
    const ids = chainMenu().map((entry) => entry.id);
    const item: fc.Arbitrary<ChainItem> = fc
      .record({ fn: fc.constantFrom(...ids), args: fc.array(json, { maxLength: 3 }) })
      .map(({ fn, args }) => (args.length === 0 ? fn : { fn, args }));
    const rule = fc.record({
      from: fc.constantFrom("name", "customer.name", "[Unit price]", "`a, b`", "a.[b c].d"),
      apply: fc.array(item, { minLength: 1, maxLength: 4 }),
    });
    fc.assert(
      fc.property(rule, (given) => {
        expect(formulaToChain(chainToFormula(given))).toEqual(given);
      }),
      { numRuns: 1000 },
    );
  });

  test("the menu holds the functions people look for", () => {
    const ids = new Set(chainMenu().map((entry) => entry.id));
    const wanted =
      "trim titleCase upper lower number round date parseDate text integer boolean replace split join ifEmpty lookup left right concat toE164 digits slug abs first last count sum addDays formatDate".split(
        " ",
      );
    expect(wanted.filter((id) => !ids.has(id))).toEqual([]);
  });
});

describe("a rule of a mapping", () => {
  test.each([
    [{ to: "a", from: "b", apply: ["trim", { round: 2 }, { fn: "left", args: [3] }] }, true],
    [{ to: "a", value: null }, true],
    [{ to: "a" }, false],
    [{ to: "a", from: "b", value: 1 }, false],
    [{ to: "", from: "b" }, false],
    [{ to: "a", from: "b", aply: [] }, false],
    [{ to: "a", from: "b", apply: [{ round: 2, trim: [] }] }, false],
  ])("%j", (rule, valid) => {
    expect(FieldMappingSchema.safeParse(rule).success).toBe(valid);
  });
});
