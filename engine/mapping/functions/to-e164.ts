import { fail } from "../error.ts";
import { defineFunction } from "../function.ts";
import { describeValue, quote } from "../value.ts";

/** Country calling codes (ITU-T E.164) and the digit in front of national numbers that falls away abroad. */
const COUNTRIES: { [code: string]: [calling: string, trunk: string] } = {
  AT: ["43", "0"],
  AU: ["61", "0"],
  BA: ["387", "0"],
  BE: ["32", "0"],
  BG: ["359", "0"],
  BR: ["55", "0"],
  CA: ["1", "1"],
  CH: ["41", "0"],
  CN: ["86", "0"],
  CY: ["357", ""],
  CZ: ["420", ""],
  DE: ["49", "0"],
  DK: ["45", ""],
  EE: ["372", ""],
  ES: ["34", ""],
  FI: ["358", "0"],
  FR: ["33", "0"],
  GB: ["44", "0"],
  GR: ["30", ""],
  HR: ["385", "0"],
  HU: ["36", "06"],
  IE: ["353", "0"],
  IL: ["972", "0"],
  IN: ["91", "0"],
  IS: ["354", ""],
  IT: ["39", ""],
  JP: ["81", "0"],
  KR: ["82", "0"],
  LI: ["423", ""],
  LT: ["370", "0"],
  LU: ["352", ""],
  LV: ["371", ""],
  MT: ["356", ""],
  MX: ["52", ""],
  NL: ["31", "0"],
  NO: ["47", ""],
  NZ: ["64", "0"],
  PL: ["48", ""],
  PT: ["351", ""],
  RO: ["40", "0"],
  RS: ["381", "0"],
  SE: ["46", "0"],
  SG: ["65", ""],
  SI: ["386", "0"],
  SK: ["421", "0"],
  TR: ["90", "0"],
  UA: ["380", "0"],
  US: ["1", "1"],
  ZA: ["27", "0"],
};

export const toE164 = defineFunction({
  name: "TOE164",
  aliases: ["E164"],
  chain: "toE164",
  category: "convert",
  summary: "A telephone number in international form (+4930901820). National numbers need the country.",
  parameters: [
    { name: "phone", type: "text", summary: "telephone number" },
    {
      name: "country",
      type: "text",
      optional: true,
      summary: "two letters, for numbers without country code",
      choices: Object.keys(COUNTRIES),
    },
  ],
  returns: "text",
  check: ([, country]) =>
    typeof country === "string" && !(country.toUpperCase() in COUNTRIES)
      ? { argument: 1, message: `expected a country such as DE, found ${quote(country)}` }
      : undefined,
  examples: [
    { formula: 'TOE164("(030) 90-1820", "DE")', output: "+4930901820" },
    { formula: 'TOE164("0043 1 58858", "DE")', output: "+43158858" },
    { formula: 'TOE164("(415) 555-2671", "US")', output: "+14155552671" },
    { formula: 'TOE164("030 901820")', error: 'expected text starting with "+"' },
    { formula: 'TOE164("call me", "DE")', error: "expected a telephone number" },
  ],
  apply: ([phone, country]) => {
    const plain = phone
      .trim()
      .replace(/\(0\)/, (zero) => (/^\s*(\+|00)/.test(phone) ? "" : zero))
      .replace(/[\s()./\u00a0\u2010-\u2015-]/g, "");
    if (!/^\+?\d{3,20}$/.test(plain))
      fail("bad_format", `expected a telephone number, found ${describeValue(phone)}`, 0);
    const international = plain.startsWith("+")
      ? plain.slice(1)
      : plain.startsWith("00")
        ? plain.slice(2)
        : national(plain, phone, country);
    if (!/^[1-9]\d{6,14}$/.test(international))
      fail("bad_format", `expected a telephone number of 7 to 15 digits, found ${describeValue(phone)}`, 0);
    return `+${international}`;
  },
});

function national(plain: string, phone: string, country: string | undefined): string {
  if (country === undefined) {
    return fail(
      "bad_format",
      `expected text starting with "+", found ${describeValue(phone)}; give the country as second argument, such as "DE"`,
      0,
    );
  }
  const known = Object.hasOwn(COUNTRIES, country.toUpperCase()) ? COUNTRIES[country.toUpperCase()] : undefined;
  if (!known) return fail("bad_value", `expected a country such as DE, found ${quote(country)}`, 1);
  const [calling, trunk] = known;
  if (trunk !== "" && plain.startsWith(trunk)) return calling + plain.slice(trunk.length);
  return calling + plain;
}
