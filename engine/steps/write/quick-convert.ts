/** `convertValue` for the values that make up nearly all records, decided without a decimal or a regular expression per digit. */
import type { Field, Json } from "../../../connectors/sdk/types.ts";

const CANONICAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;
const WHOLE = /^(?:0|-?[1-9]\d*)$/;
/** below this, a number times 100,000 is still exact enough to tell its digits after the point */
const EXACT = 1e9;

/**
 * A converter for one target field: the value as `convertValue` would write it, or undefined when only `convertValue`
 * can tell (which is never wrong to ask).
 */
export function quickConverter(field: Field): (value: Json) => Json | undefined {
  const { type, maxLength, precision, scale, options, fields } = field;
  const empty = field.nullable !== false && field.required !== true ? null : undefined;
  switch (type) {
    case "text":
      if (options) return () => undefined;
      return (value) => {
        if (typeof value === "string") return maxLength === undefined || value.length <= maxLength ? value : undefined;
        return value === null ? empty : undefined;
      };
    case "integer": {
      const plain = precision === undefined && scale === undefined;
      return (value) => {
        if (typeof value === "number") {
          return plain && Number.isSafeInteger(value) ? value + 0 : undefined;
        }
        if (typeof value === "string")
          return plain && value.length <= 15 && WHOLE.test(value) ? Number(value) : undefined;
        return value === null ? empty : undefined;
      };
    }
    case "decimal": {
      const fits = decimalTest(precision, scale);
      return (value) => {
        if (typeof value === "number") return fits(value) ? value + 0 : undefined;
        if (typeof value === "string") {
          if (value.length > 15 || !CANONICAL.test(value)) return undefined;
          const number = Number(value);
          return fits(number) ? number + 0 : undefined;
        }
        return value === null ? empty : undefined;
      };
    }
    case "boolean":
      return (value) => (typeof value === "boolean" ? value : value === null ? empty : undefined);
    case "list":
    case "record":
      return (value) => (value === null ? empty : undefined);
    case "any":
    case "json":
      return (value) => (value === null ? empty : fields ? undefined : value);
    default:
      return (value) => (value === null ? empty : undefined);
  }
}

/** Whether a number surely has no more digits than allowed. */
function decimalTest(precision: number | undefined, scale: number | undefined): (number: number) => boolean {
  if (precision === undefined && scale === undefined) return (number) => Math.abs(number) < EXACT;
  const places = scale ?? 0;
  if (scale === undefined || places > 5 || (precision ?? places) < places) return () => false;
  const factor = 10 ** places;
  const limit = Math.min(EXACT, precision === undefined ? EXACT : 10 ** (precision - places));
  return (number) => Math.abs(number) < limit && Math.round(number * factor) / factor === number;
}
