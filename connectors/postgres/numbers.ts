/** Numbers for PostgreSQL: exact, or refused. */
import { quote } from "../sdk/errors.ts";
import type { Json } from "../sdk/types.ts";
import { Refusal } from "./refusal.ts";

type Encode = (value: NonNullable<Json>) => string | Refusal;

const decimal = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,5}))?$/;

/** Digits before and after the point without needless zeros; undefined when the text is no number. */
function digits(text: string): { negative: boolean; whole: string; part: string } | undefined {
  const found = decimal.exec(text);
  if (!found || (found[2] === "" && !found[3])) return undefined;
  let whole = found[2] ?? "";
  let part = found[3] ?? "";
  const exponent = Number(found[4] ?? 0);
  if (exponent > 0) {
    whole += part.slice(0, exponent).padEnd(exponent, "0");
    part = part.slice(exponent);
  } else if (exponent < 0) {
    part = whole.padStart(-exponent, "0").slice(exponent) + part;
    whole = whole.slice(0, exponent);
  }
  return { negative: found[1] === "-", whole: whole.replace(/^0+/, ""), part: part.replace(/0+$/, "") };
}

const plain = ({ negative, whole, part }: NonNullable<ReturnType<typeof digits>>) =>
  `${negative && (whole !== "" || part !== "") ? "-" : ""}${whole || "0"}${part === "" ? "" : `.${part}`}`;

/** A whole number within the bounds of the type. */
export function integerText(min: number | bigint, max: number | bigint, name: string): Encode {
  const least = BigInt(min);
  const most = BigInt(max);
  const wide = `${name} holds whole numbers from ${least} to ${most}`;
  return (value) => {
    if (typeof value === "number" && Number.isSafeInteger(value)) {
      if (value >= min && value <= max) return String(value);
      return new Refusal(`${wide}, found ${value}`);
    }
    if (typeof value !== "string" && typeof value !== "number")
      return new Refusal(`expected a whole number, found ${quote(value)}`);
    const read = digits(String(value));
    if (read?.part !== "") return new Refusal(`expected a whole number, found ${quote(value)}`);
    const text = plain(read);
    if (text.length > 20 || BigInt(text) < least || BigInt(text) > most)
      return new Refusal(`${wide}, found ${quote(value)}`);
    return text;
  };
}

const special = /^(NaN|-?Infinity)$/;

/** A decimal with at most `precision` digits, `scale` of them after the point; any when they are undefined. */
export function decimalText(precision: number | undefined, scale: number | undefined, declared: string): Encode {
  return (value) => {
    if (typeof value !== "number" && typeof value !== "string")
      return new Refusal(`expected a number, found ${quote(value)}`);
    const text = String(value);
    const quick = precision === undefined || scale === undefined ? undefined : quickDecimal(text, precision, scale);
    if (quick !== undefined) return quick;
    if (special.test(text) && (precision === undefined || text === "NaN")) return text;
    const read = digits(text);
    if (!read) return new Refusal(`expected a number, found ${quote(value)}`);
    if (precision === undefined || scale === undefined) return text;
    if (read.part.length > Math.max(scale, 0) || (scale < 0 && !/^0*$/.test(read.whole.slice(scale))))
      return new Refusal(
        `${declared} holds ${Math.max(scale, 0)} digits after the point, found ${quote(value)}. Round it in the mapping`,
      );
    if (read.whole.length > precision - scale)
      return new Refusal(`${declared} holds ${precision - scale} digits before the point, found ${quote(value)}`);
    const written = plain(read); // the sign belongs to all digits: -0.05 has none but zero before the point
    if (scale <= 0) return written;
    return `${read.part === "" ? `${written}.` : written}${"0".repeat(scale - read.part.length)}`;
  };
}

/** As `decimalText` writes it, for text in its usual form that surely fits; undefined: look closer. */
function quickDecimal(text: string, precision: number, scale: number): string | undefined {
  const start = text.charCodeAt(0) === 0x2d ? 1 : 0;
  const head = text.charCodeAt(start);
  let point = -1;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x2e && point < 0) point = at;
    else if (!(code >= 0x30 && code <= 0x39)) return undefined;
  }
  const end = point < 0 ? text.length : point;
  const part = point < 0 ? 0 : text.length - point - 1;
  // no digit before the point or after it, a needless zero in front, or a zero that may have a sign
  if (end === start || (part === 0 && point >= 0)) return undefined;
  if (head === 0x30 && (end > start + 1 || start === 1)) return undefined;
  if (end - start > precision - scale || part > scale) return undefined;
  if (part === scale) return text;
  return `${point < 0 ? `${text}.` : text}${"0".repeat(scale - part)}`;
}

/** A floating-point number that comes back as it was given. */
export function floatText(name: "real" | "double precision"): Encode {
  return (value) => {
    if (typeof value !== "number" && typeof value !== "string")
      return new Refusal(`expected a number, found ${quote(value)}`);
    const text = String(value);
    if (special.test(text)) return text;
    const read = digits(text);
    if (!read) return new Refusal(`expected a number, found ${quote(value)}`);
    const double = Number(text);
    const fits = name === "real" ? singleText(double) : String(double);
    const back = fits === undefined ? undefined : digits(fits);
    if (!Number.isFinite(double) || !back || plain(back) !== plain(read))
      return new Refusal(`${name} cannot hold ${quote(value)} exactly. Round it in the mapping`);
    return text;
  };
}

/** The shortest text that stands for the same single-precision number; undefined beyond its range. */
function singleText(value: number): string | undefined {
  const single = Math.fround(value);
  if (!Number.isFinite(single)) return undefined;
  for (let size = 1; size <= 9; size++) {
    const text = single.toPrecision(size);
    if (Math.fround(Number(text)) === single) return text;
  }
  return undefined;
}
