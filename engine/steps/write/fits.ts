/** Whether what arrives can go into a target field, judged by type before any record is read. */
import type { Field, FieldType } from "../../../connectors/sdk/types.ts";

/** Conversions that never lose anything and never fail because of the type. */
const SAFE: { readonly [from in FieldType]?: readonly FieldType[] } = {
  integer: ["decimal", "text"],
  decimal: ["text"],
  boolean: ["text"],
  date: ["datetime", "text"],
  datetime: ["text"],
  time: ["text"],
};

const REMEDIES: { readonly [to in FieldType]?: string } = {
  integer: "Add the function “integer” or “round” to the field mapping",
  decimal: "Add the function “number” to the field mapping",
  boolean: 'Make it TRUE or FALSE by a formula in the field mapping, such as answer = "yes"',
  date: "Add the function “parseDate” or “toDate” to the field mapping",
  datetime: "Add the function “parseDate” or “toDateTime” to the field mapping",
  time: "Make it a time such as 10:30 in the field mapping",
  text: "Add the function “textJoin” or pick one value in the field mapping",
  list: "Map a list to it",
  record: "Map a record to it",
};

/** undefined when `from` may go into `to`; else what to do. What is of unknown type fits: it is judged per record. */
export function misfit(from: Field, to: Field): { remedy: string } | undefined {
  if (isOpen(from.type) || isOpen(to.type) || from.type === to.type) return undefined;
  if (SAFE[from.type]?.includes(to.type)) return undefined;
  if (from.type === "decimal" && to.type === "integer" && from.scale === 0) return undefined;
  return { remedy: REMEDIES[to.type] ?? "Convert it in the field mapping" };
}

function isOpen(type: FieldType): boolean {
  return type === "any" || type === "json";
}
