import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { add, compareNumbers, exact, multiply, numberToText, parseNumeric, round, subtract } from "./number.ts";
import { type Num, toJson } from "./value.ts";

/** digits × 10^−scale, computed with big integers only. */
interface Reference {
  digits: bigint;
  scale: number;
}

const decimals = fc.record({
  digits: fc.oneof(fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }), fc.bigInt({ min: -100_000n, max: 100_000n })),
  scale: fc.integer({ min: 0, max: 12 }),
});

function write({ digits, scale }: Reference): string {
  const negative = digits < 0n;
  const text = (negative ? -digits : digits).toString().padStart(scale + 1, "0");
  const whole = text.slice(0, text.length - scale);
  const fraction = scale === 0 ? "" : text.slice(-scale).replace(/0+$/, "");
  const plain = fraction ? `${whole}.${fraction}` : whole;
  return negative && digits !== 0n ? `-${plain}` : plain;
}

const read = (reference: Reference): Num => parseNumeric(write(reference))!;
const align = (a: Reference, b: Reference) => {
  const scale = Math.max(a.scale, b.scale);
  return [a.digits * 10n ** BigInt(scale - a.scale), b.digits * 10n ** BigInt(scale - b.scale), scale] as const;
};

describe("arithmetic agrees with big integers digit for digit", () => {
  test("sums, differences, products, order", () => {
    fc.assert(
      fc.property(decimals, decimals, (a, b) => {
        const [left, right, scale] = align(a, b);
        expect(numberToText(add(read(a), read(b)))).toBe(write({ digits: left + right, scale }));
        expect(numberToText(subtract(read(a), read(b)))).toBe(write({ digits: left - right, scale }));
        expect(numberToText(multiply(read(a), read(b)))).toBe(
          write({ digits: a.digits * b.digits, scale: a.scale + b.scale }),
        );
        expect(compareNumbers(read(a), read(b))).toBe(left < right ? -1 : left > right ? 1 : 0);
      }),
      { numRuns: 3000 },
    );
  });

  test("rounding, halves away from zero", () => {
    fc.assert(
      fc.property(decimals, fc.integer({ min: 0, max: 12 }), (a, places) => {
        const unit = 10n ** BigInt(Math.max(a.scale - places, 0));
        const magnitude = a.digits < 0n ? -a.digits : a.digits;
        const rounded = ((magnitude * 2n + unit) / (unit * 2n)) * (a.digits < 0n ? -1n : 1n);
        expect(numberToText(round(read(a), places))).toBe(write({ digits: rounded, scale: Math.min(a.scale, places) }));
      }),
      { numRuns: 2000 },
    );
  });

  test("what is handed on as JSON reads back as the same number", () => {
    fc.assert(
      fc.property(decimals, decimals, (a, b) => {
        const product = multiply(read(a), read(b));
        const json = JSON.parse(JSON.stringify(toJson(product))) as number | string;
        expect(exact(json).eq(exact(product))).toBe(true);
        if (typeof json === "number" && Number.isInteger(json)) expect(Number.isSafeInteger(json)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
