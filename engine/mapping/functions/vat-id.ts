import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { describeValue, quote } from "../value.ts";

/** Forms by country (European Commission, VIES). The letters of Greece are EL. */
const FORMS: { [country: string]: RegExp } = {
  AT: /^U\d{8}$/,
  BE: /^[01]\d{9}$/,
  BG: /^\d{9,10}$/,
  CY: /^\d{8}[A-Z]$/,
  CZ: /^\d{8,10}$/,
  DE: /^[1-9]\d{8}$/,
  DK: /^\d{8}$/,
  EE: /^\d{9}$/,
  EL: /^\d{9}$/,
  ES: /^[A-Z0-9]\d{7}[A-Z0-9]$/,
  FI: /^\d{8}$/,
  FR: /^[A-HJ-NP-Z0-9]{2}\d{9}$/,
  HR: /^\d{11}$/,
  HU: /^\d{8}$/,
  IE: /^\d[A-Z0-9+*]\d{5}[A-Z]{1,2}$/,
  IT: /^\d{11}$/,
  LT: /^(\d{9}|\d{12})$/,
  LU: /^\d{8}$/,
  LV: /^\d{11}$/,
  MT: /^\d{8}$/,
  NL: /^[A-Z0-9+*]{10}\d{2}$/,
  PL: /^\d{10}$/,
  PT: /^\d{9}$/,
  RO: /^\d{2,10}$/,
  SE: /^\d{12}$/,
  SI: /^\d{8}$/,
  SK: /^\d{10}$/,
  XI: /^(\d{9}|\d{12}|GD\d{3}|HA\d{3})$/,
};

export const vatId = defineFunction({
  name: "VATID",
  chain: "vatId",
  category: "convert",
  summary: "A European VAT number without blanks, its form tested; of German and Austrian ones the check digit too.",
  parameters: [{ name: "text", type: "text", summary: "VAT number with its country" }],
  returns: "text",
  examples: [
    { formula: 'VATID("atu 1358 5627")', output: "ATU13585627" },
    { formula: 'VATID("DE 136 695 976")', output: "DE136695976" },
    { formula: 'VATID("DE136695975")', error: "check digit" },
    { formula: 'VATID("123")', error: "expected a VAT number" },
  ],
  apply: ([text]) => {
    const plain = text.replace(/[\s\u00a0.-]/g, "").toUpperCase();
    const country = plain.slice(0, 2) === "GR" ? "EL" : plain.slice(0, 2);
    const number = plain.slice(2);
    const form = Object.hasOwn(FORMS, country) ? FORMS[country] : undefined;
    if (!form?.test(number))
      fail("bad_format", `expected a VAT number such as DE136695976, found ${describeValue(text)}`, 0);
    if ((country === "DE" && !germanCheck(number)) || (country === "AT" && !austrianCheck(number))) {
      fail("bad_value", `the check digit of ${quote(text)} is wrong: a digit is mistyped`, 0);
    }
    return country + number;
  },
});

/** ISO/IEC 7064, MOD 11,10. */
function germanCheck(number: string): boolean {
  let product = 10;
  for (const digit of number.slice(0, 8)) {
    const sum = (Number(digit) + product) % 10 || 10;
    product = (2 * sum) % 11;
  }
  return (11 - product) % 10 === Number(number[8]);
}

/** Austrian Ministry of Finance: doubled second digits, plus 4. */
function austrianCheck(number: string): boolean {
  const sum = [...number.slice(1, 8)].reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 1 ? 2 : 1);
    return total + Math.floor(value / 10) + (value % 10);
  }, 0);
  return (10 - ((sum + 4) % 10)) % 10 === Number(number[8]);
}
