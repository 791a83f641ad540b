import { exact, isNegative, round } from "./number.ts";
import { type Num, quote } from "./value.ts";

/** A number format such as `#,##0.00` or `0%`, taken apart. */
export interface NumberFormat {
  prefix: string;
  suffix: string;
  grouped: boolean;
  leastInteger: number;
  leastDecimals: number;
  mostDecimals: number;
  percent: boolean;
  negative?: NumberFormat;
}

const FORMAT = /^((?:[^#0,.;"%]|"[^"]*")*)([#0,]*)(?:\.([0#]*))?((?:[^#0,.;"]|"[^"]*")*)$/;

/**
 * Understands a spreadsheet's number format: `0` a digit always shown, `#` one when needed, `,` groups of three, `.` the
 * point, `%` times 100, text before and after, a second format after `;` for negative numbers.
 *
 * @returns the format, or what is wrong with it
 */
export function numberFormat(format: string): NumberFormat | string {
  const [positive, negative, ...more] = format.split(/;(?=(?:[^"]*"[^"]*")*[^"]*$)/);
  const match = FORMAT.exec(positive!);
  const [, prefix, integer, decimals = "", suffix] = match ?? [];
  if (!match || more.length > 0 || `${integer}${decimals}` === "") {
    return `expected a number format such as "0.00" or "#,##0.00", found ${quote(format)}`;
  }
  const second = negative === undefined ? undefined : numberFormat(negative);
  if (typeof second === "string") return second;
  return {
    prefix: prefix!.replaceAll('"', ""),
    suffix: suffix!.replaceAll('"', ""),
    grouped: integer!.includes(","),
    leastInteger: integer!.replace(/[^0]/g, "").length,
    leastDecimals: decimals.replace(/[^0]/g, "").length,
    mostDecimals: decimals.length,
    percent: suffix!.includes("%") || prefix!.includes("%"),
    ...(second ? { negative: second } : {}),
  };
}

/** @param decimal separator to write; groups get the other one of point and comma */
export function writeNumber(value: Num, format: NumberFormat, decimal: string): string {
  if (format.negative && isNegative(value)) return writeNumber(exact(value).neg(), format.negative, decimal);
  const scaled = format.percent ? exact(value).times(100) : value;
  const rounded = exact(round(scaled, format.mostDecimals));
  const [whole, fraction = ""] = rounded.abs().toFixed(format.mostDecimals).split(".");
  let integer = format.leastInteger === 0 && whole === "0" ? "" : whole!.padStart(format.leastInteger, "0");
  if (format.grouped) integer = integer.replace(/\B(?=(?:\d{3})+$)/g, decimal === "," ? "." : ",");
  let digits = fraction;
  while (digits.length > format.leastDecimals && digits.endsWith("0")) digits = digits.slice(0, -1);
  const sign = rounded.isNegative() && !rounded.isZero() ? "-" : "";
  return `${sign}${format.prefix}${integer}${digits ? `${decimal}${digits}` : ""}${format.suffix}`;
}
