import type { Field, FieldType } from "./types.ts";

/** Types whose every value fits the target's type as it is; any other value must be converted by a rule. */
const FITS: Record<FieldType, readonly FieldType[]> = {
  text: ["text", "integer", "decimal", "boolean", "date", "datetime", "time"],
  integer: ["integer"],
  decimal: ["integer", "decimal"],
  boolean: ["boolean"],
  date: ["date"],
  datetime: ["datetime"],
  time: ["time"],
  list: ["list"],
  record: ["record"],
  json: ["text", "integer", "decimal", "boolean", "date", "datetime", "time", "list", "record", "json", "any"],
  any: ["text", "integer", "decimal", "boolean", "date", "datetime", "time", "list", "record", "json", "any"],
};

const REMEDIES: Partial<Record<FieldType, string>> = {
  text: "Add text, join or toJson to the chain.",
  integer: "Add integer or round to the chain.",
  decimal: "Add number to the chain.",
  boolean: "Add boolean to the chain.",
  date: 'Add parseDate("dd.MM.yyyy") with its format, or date, to the chain.',
  datetime: "Add dateTime to the chain.",
  list: "Add split to the chain, or LIST(…) in a formula.",
};

/**
 * Whether values of one field can go into another, judged by their types before any record is read. Unknown types pass and
 * are judged per record by `convertValue`.
 *
 * @returns undefined when they fit, else what does not and what to do
 */
export function fitProblem(
  source: Field,
  target: Field,
): { code: string; message: string; remedy: string } | undefined {
  if (source.type === "any" || source.type === "json" || FITS[target.type].includes(source.type)) return undefined;
  return {
    code: "type_mismatch",
    message: `expected ${target.type} for “${target.title ?? target.name}”, found ${source.type}`,
    remedy: REMEDIES[target.type] ?? "Map another field, or convert it in a formula.",
  };
}
