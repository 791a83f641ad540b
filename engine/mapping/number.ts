import { Decimal } from "decimal.js";
import { fail } from "./error.ts";
import { addScaled, multiplyScaled, type Rounding, roundScaled } from "./scaled.ts";
import { describeValue, isNumber, type Num, type Value } from "./value.ts";
import { spend } from "./work.ts";

/** Exact for + − ×: results with more digits than this are refused, never rounded. */
const DIGITS = 300;
const Exact = Decimal.clone({ precision: DIGITS + 50, rounding: Decimal.ROUND_HALF_UP, toExpNeg: -7, toExpPos: 21 });
/** Division and roots need not end; they keep 34 significant digits (as IEEE 754 decimal128). */
const Rounded = Decimal.clone({ precision: 34, rounding: Decimal.ROUND_HALF_UP });

const NUMERIC = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/;

export function exact(value: Num | string): Decimal {
  return typeof value === "object" ? value : new Exact(value);
}

/**
 * The number a digit text means (`-12.50`, `1e3`; point as decimal separator, no groups), or undefined. Up to 15 digits a
 * JavaScript number holds it: its shortest text is the decimal itself, and the functions below compute with that text's value.
 */
export function parseNumeric(text: string): Num | undefined {
  if (!NUMERIC.test(text)) return undefined;
  if (text.length <= 16) {
    const number = Number(text);
    if (Number.isSafeInteger(number) || (text.includes(".") && !/e/i.test(text))) return number + 0;
  }
  const value = new Exact(text);
  return Math.abs(value.e) > DIGITS ? undefined : value;
}

/** Digits of a number in plain notation: no exponent, no group separators, point as decimal separator. */
export function numberToText(value: Num): string {
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  return exact(value).toFixed();
}

function checked(value: Decimal): Decimal {
  if (!value.isFinite() || value.e > DIGITS || value.e < -DIGITS || value.d.length > DIGITS / 7) {
    fail("overflow", `the result has more than ${DIGITS} digits; round the numbers first`);
  }
  return value;
}

export function add(a: Num, b: Num): Num {
  return (
    (typeof a === "number" && typeof b === "number" ? addScaled(a, b) : undefined) ?? checked(exact(a).plus(exact(b)))
  );
}

export function subtract(a: Num, b: Num): Num {
  return (
    (typeof a === "number" && typeof b === "number" ? addScaled(a, -b) : undefined) ?? checked(exact(a).minus(exact(b)))
  );
}

export function multiply(a: Num, b: Num): Num {
  return (
    (typeof a === "number" && typeof b === "number" ? multiplyScaled(a, b) : undefined) ??
    checked(exact(a).times(exact(b)))
  );
}

export function divide(a: Num, b: Num): Num {
  if (isZero(b)) fail("division_by_zero", "division by zero; test the divisor with IF first", 1);
  if (typeof a === "number" && typeof b === "number" && Number.isSafeInteger(a) && Number.isSafeInteger(b)) {
    const quotient = a / b;
    if (Number.isSafeInteger(quotient) && Number.isSafeInteger(quotient * b) && quotient * b === a) return quotient + 0;
  }
  return checked(new Exact(Rounded.div(exact(a), exact(b))));
}

/** Whole exponents up to 1,000 are exact; others keep 34 digits. */
export function power(base: Num, exponent: Num): Num {
  const b = exact(base);
  const e = exact(exponent);
  if (b.isZero() && e.isNegative() && !e.isZero())
    fail("division_by_zero", "0 cannot be raised to a negative power", 0);
  if (b.isNegative() && !b.isZero() && !e.isInteger())
    fail("out_of_range", "a negative number has no fractional power", 0);
  if (e.abs().gt(1000) && !b.abs().eq(1) && !b.isZero()) fail("overflow", "exponents reach from -1000 to 1000", 1);
  if (b.isZero()) return e.isZero() ? 1 : 0;
  const digits = e.toNumber() * (b.e + 1);
  if (Math.abs(digits) > 2 * DIGITS) fail("overflow", `the result has more than ${DIGITS} digits`, 0);
  const whole = e.isInteger() && !e.isNegative() && b.precision() * e.toNumber() <= DIGITS;
  return checked(new Exact(whole ? b.pow(e) : new Rounded(b).pow(new Rounded(e))));
}

export function squareRoot(value: Num): Num {
  if (isNegative(value)) fail("out_of_range", `expected a number of 0 or more, found ${describeValue(value)}`, 0);
  return new Exact(new Rounded(exact(value)).sqrt());
}

export function negate(value: Num): Num {
  return typeof value === "number" ? 0 - value : value.isZero() ? 0 : value.neg();
}

export function absolute(value: Num): Num {
  return typeof value === "number" ? Math.abs(value) : value.abs();
}

export function isZero(value: Num): boolean {
  return typeof value === "number" ? value === 0 : value.isZero();
}

export function isNegative(value: Num): boolean {
  return typeof value === "number" ? value < 0 : value.isNegative() && !value.isZero();
}

/** −1, 0 or 1. */
export function compareNumbers(a: Num, b: Num): number {
  if (typeof a === "number" && typeof b === "number") return a < b ? -1 : a > b ? 1 : 0;
  return exact(a).cmp(exact(b));
}

const MODES: Record<Rounding, Decimal.Rounding> = {
  "half-up": Decimal.ROUND_HALF_UP,
  up: Decimal.ROUND_UP,
  down: Decimal.ROUND_DOWN,
  ceiling: Decimal.ROUND_CEIL,
  floor: Decimal.ROUND_FLOOR,
};

/** Rounds to `digits` after the point; negative digits round to tens, hundreds, … Halves go away from zero, as in spreadsheets. */
export function round(value: Num, digits: number, rounding: Rounding = "half-up"): Num {
  if (digits >= 0 && typeof value === "number" && Number.isSafeInteger(value)) return value;
  if (Math.abs(digits) > 100) fail("out_of_range", `expected -100 to 100 digits, found ${digits}`, 1);
  const quick = typeof value === "number" ? roundScaled(value, digits, rounding) : undefined;
  if (quick !== undefined) return quick;
  const mode = MODES[rounding];
  if (digits >= 0) return exact(value).toDecimalPlaces(digits, mode);
  const unit = new Exact(10).pow(-digits);
  return exact(value).div(unit).toDecimalPlaces(0, mode).times(unit);
}

/** Remainder with the sign of the divisor, as in spreadsheets. */
export function modulo(value: Num, divisor: Num): Num {
  if (isZero(divisor)) fail("division_by_zero", "division by zero; test the divisor with IF first", 1);
  const remainder = exact(value).mod(exact(divisor));
  return remainder.isZero()
    ? 0
    : remainder.isNegative() !== isNegative(divisor)
      ? remainder.plus(exact(divisor))
      : remainder;
}

export function isWhole(value: Num): boolean {
  return typeof value === "number" ? Number.isInteger(value) : value.isInteger();
}

/** Every number in the given values, lists included, in order. Empty values are skipped, anything else is a reason. */
export function collectNumbers(values: readonly Value[]): Num[] {
  const numbers: Num[] = [];
  const visit = (value: Value, argument: number): void => {
    spend();
    if (isNumber(value)) numbers.push(value);
    else if (Array.isArray(value)) for (const item of value) visit(item, argument);
    else if (value !== null) {
      const remedy = typeof value === "string" ? "; turn it into a number with NUMBER first" : "";
      fail("not_a_number", `expected numbers, found ${describeValue(value)}${remedy}`, argument);
    }
  };
  values.forEach(visit);
  return numbers;
}
