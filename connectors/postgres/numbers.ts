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
    return scale > 0 ? `${plain({ ...read, part: "" })}.${read.part.padEnd(scale, "0")}` : plain(read);
  };
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
