import { numberToText } from "./number.ts";
import type { Json } from "./types.ts";

/** A value as a formula writes it: `"a ""b"""`, `[1, 2]`, `{ "sku": "A1" }`. */
export function writeJson(value: Json): string {
  if (value === null) return "NULL";
  if (typeof value === "string") return `"${value.replaceAll('"', '""')}"`;
  if (typeof value === "number") return numberToText(value);
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (Array.isArray(value)) {
    const items = value.map(writeJson).join(", ");
    return `[${items}]`;
  }
  const entries = Object.entries(value).map(([name, item]) => `${writeJson(name)}: ${writeJson(item)}`);
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}
