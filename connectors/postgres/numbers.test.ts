import { Decimal } from "decimal.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decimalText, floatText, integerText } from "./numbers.ts";
import { Refusal } from "./refusal.ts";

const said = (outcome: string | Refusal) => (outcome instanceof Refusal ? "refused" : outcome);

// a plus sign in front is never written in the usual form, and changes nothing else
test("a number in its usual form is written as one that is looked at closely", () => {
  const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength: 8 });
  const number = fc
    .tuple(fc.constantFrom("", "-"), digits, fc.constantFrom("", "."), digits)
    .map(([sign, whole, point, part]) => ({ sign, text: `${whole}${point}${point === "" ? "" : part}` }));
  const size = fc
    .integer({ min: 1, max: 9 })
    .chain((precision) => fc.integer({ min: -2, max: precision }).map((scale) => ({ precision, scale })));
  fc.assert(
    fc.property(number, size, ({ sign, text }, { precision, scale }) => {
      const encode = decimalText(precision, scale, `numeric(${precision},${scale})`);
      const closely = sign === "" ? `+${text}` : `${sign}${text}e0`;
      expect(said(encode(sign + text))).toBe(said(encode(closely)));
    }),
    { numRuns: 3_000 },
  );
});

const Exact = Decimal.clone({ precision: 60 });

test("what a column takes is the number that was given, sign and all", () => {
  const number = fc
    .tuple(
      fc.constantFrom("", "-", "+"),
      fc.nat(99_999),
      fc.nat(99_999),
      fc.integer({ min: 0, max: 5 }),
      fc.integer({ min: -7, max: 7 }),
    )
    .map(
      ([sign, whole, part, zeros, exponent]) =>
        `${sign}${whole}.${"0".repeat(zeros)}${part}${exponent === 0 ? "" : `e${exponent}`}`,
    );
  const takes = [
    decimalText(undefined, undefined, "numeric"),
    decimalText(30, 12, "numeric(30,12)"),
    decimalText(12, 2, "numeric(12,2)"),
    decimalText(9, 0, "numeric(9)"),
    decimalText(9, -2, "numeric(9,-2)"),
    integerText(-(2n ** 63n), 2n ** 63n - 1n, "bigint"),
    floatText("double precision"),
  ];
  const taken = new Set<number>();
  fc.assert(
    fc.property(number, (text) => {
      for (const [index, encode] of takes.entries()) {
        const written = encode(text);
        if (written instanceof Refusal) continue;
        taken.add(index);
        expect(new Exact(written).equals(new Exact(text)), `${text} written as ${written}`).toBe(true);
      }
    }),
    { numRuns: 5_000 },
  );
  expect(taken.size).toBeGreaterThan(4);
});

test.each([
  ["12.5", "12.50"],
  ["12", "12.00"],
  ["0.5", "0.50"],
  ["-0", "0.00"],
  ["-0.05", "-0.05"],
  ["007", "7.00"],
  [".5", "0.50"],
  ["5.", "5.00"],
  ["999.99", "999.99"],
  ["12.500", "12.50"],
  ["1e2", "100.00"],
])("numeric(5,2) takes %s as %s", (given, written) => {
  expect(decimalText(5, 2, "numeric(5,2)")(given)).toBe(written);
});

test.each(["1000", "0.001", "-", ".", "", "1.2.3", "1,5", "NaN2", "--1"])("numeric(5,2) refuses %j", (given) => {
  expect(decimalText(5, 2, "numeric(5,2)")(given)).toBeInstanceOf(Refusal);
});
