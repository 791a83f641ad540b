import fc from "fast-check";
import { expect, test } from "vitest";
import { decimalText } from "./numbers.ts";
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
