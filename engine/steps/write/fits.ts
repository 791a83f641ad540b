/** Whether what arrives can go into a target field, judged by type before any record is read. */
import type { Field, FieldType } from "../../../connectors/sdk/types.ts";
import { convertValue } from "../../mapping/convert-value.ts";

/**
 * Conversions that lose nothing: a number with digits after the point is refused by an integer field record by record,
 * so NUMBER(quantity) may go there.
 */
const SAFE: { readonly [from in FieldType]?: readonly FieldType[] } = {
  integer: ["decimal", "text"],
  decimal: ["integer", "text"],
  boolean: ["text"],
  date: ["text"],
  datetime: ["text"],
  time: ["text"],
};

const REMEDIES: { readonly [to in FieldType]?: string } = {
  text: "Add “join” or “toJson” to the chain of its field mapping.",
  integer: "Add “integer” or “round” to the chain of its field mapping.",
  decimal: "Add “number” to the chain of its field mapping.",
  boolean: "Add “boolean” to the chain of its field mapping.",
  date: "Add “date” or “parseDate” to the chain of its field mapping.",
  datetime: "Add “dateTime” or “parseDate” to the chain of its field mapping.",
  time: "Add “formatDate” to the chain of its field mapping.",
  list: "Map a list to it.",
  record: "Map its fields one by one, as in address.city.",
};

export type Misfit = { found: string; remedy: string };

/** undefined when `from` may go into `to`; else what to do. What is of unknown type fits: it is judged per record. */
export function misfit(from: Field, to: Field): Misfit | undefined {
  if (from.options?.length) return misfitOfOptions(from.options, to);
  if (isOpen(from.type) || isOpen(to.type) || from.type === to.type) return undefined;
  if (SAFE[from.type]?.includes(to.type)) return undefined;
  return {
    found: `expects ${to.type}, but ${from.type} arrives`,
    remedy: REMEDIES[to.type] ?? "Convert it in the field mapping.",
  };
}

/** Of a field whose only texts are known, such as a fixed value, each can be tried. */
function misfitOfOptions(options: readonly string[], to: Field): Misfit | undefined {
  for (const option of options) {
    const converted = convertValue(option, to.type, to);
    if (!converted.ok) return { found: `does not take the value: ${converted.message}`, remedy: converted.remedy };
  }
  return undefined;
}

function isOpen(type: FieldType): boolean {
  return type === "any" || type === "json";
}
