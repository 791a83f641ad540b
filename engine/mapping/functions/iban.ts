import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { describeValue, quote } from "../value.ts";

/** Lengths by country (SWIFT IBAN registry). */
const LENGTHS: { [country: string]: number } = {
  AD: 24,
  AE: 23,
  AL: 28,
  AT: 20,
  AZ: 28,
  BA: 20,
  BE: 16,
  BG: 22,
  BH: 22,
  BR: 29,
  BY: 28,
  CH: 21,
  CR: 22,
  CY: 28,
  CZ: 24,
  DE: 22,
  DK: 18,
  DO: 28,
  EE: 20,
  EG: 29,
  ES: 24,
  FI: 18,
  FO: 18,
  FR: 27,
  GB: 22,
  GE: 22,
  GI: 23,
  GL: 18,
  GR: 27,
  GT: 28,
  HR: 21,
  HU: 28,
  IE: 22,
  IL: 23,
  IQ: 23,
  IS: 26,
  IT: 27,
  JO: 30,
  KW: 30,
  KZ: 20,
  LB: 28,
  LC: 32,
  LI: 21,
  LT: 20,
  LU: 20,
  LV: 21,
  MC: 27,
  MD: 24,
  ME: 22,
  MK: 19,
  MR: 27,
  MT: 31,
  MU: 30,
  NL: 18,
  NO: 15,
  PK: 24,
  PL: 28,
  PS: 29,
  PT: 25,
  QA: 29,
  RO: 24,
  RS: 22,
  SA: 24,
  SE: 24,
  SI: 19,
  SK: 24,
  SM: 27,
  TN: 24,
  TR: 26,
  UA: 29,
  VA: 22,
  VG: 24,
  XK: 20,
};

export const iban = defineFunction({
  name: "IBAN",
  category: "convert",
  summary: "An account number without blanks, its length and check digits tested.",
  parameters: [{ name: "text", type: "text", summary: "IBAN" }],
  returns: "text",
  examples: [
    { formula: 'IBAN("de89 3704 0044 0532 0130 00")', output: "DE89370400440532013000" },
    { formula: 'IBAN("DE88370400440532013000")', error: "check digits" },
    { formula: 'IBAN("DE8937040044")', error: "22 characters" },
  ],
  apply: ([text]) => {
    const plain = text.replace(/[\s\u00a0-]/g, "").toUpperCase();
    if (!/^[A-Z]{2}\d{2}[A-Z0-9]{8,30}$/.test(plain))
      fail("bad_format", `expected an IBAN such as DE89 3704 0044 0532 0130 00, found ${describeValue(text)}`, 0);
    const length = LENGTHS[plain.slice(0, 2)];
    if (length !== undefined && plain.length !== length) {
      fail(
        "bad_format",
        `expected an IBAN of ${length} characters for ${plain.slice(0, 2)}, found ${plain.length} in ${quote(text)}`,
        0,
      );
    }
    let remainder = 0;
    for (const character of plain.slice(4) + plain.slice(0, 4)) {
      const value = Number.parseInt(character, 36);
      remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
    }
    if (remainder !== 1) fail("bad_value", `the check digits of ${quote(text)} are wrong: a digit is mistyped`, 0);
    return plain;
  },
});
