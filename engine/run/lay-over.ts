import type { Json, JsonRecord } from "../../connectors/sdk/types.ts";
import { splitPath } from "../mapping/names.ts";

/**
 * A record with corrected fields. A name means what it means to a step (steps/field-access.ts): the field of that very name
 * where there is one, else the path into nested records. A path through a list names no one place: it becomes a field.
 */
export function layOver(record: JsonRecord, patch: JsonRecord | undefined): JsonRecord {
  let laid = record;
  for (const [name, value] of Object.entries(patch ?? {})) {
    const parts = splitPath(name);
    const nested = Object.hasOwn(laid, name) || parts.length < 2 ? undefined : placed(laid, parts, value);
    laid = nested ?? withField(laid, name, value);
  }
  return laid;
}

function placed(record: JsonRecord, [name = "", ...rest]: string[], value: Json): JsonRecord | undefined {
  if (rest.length === 0) return withField(record, name, value);
  const inner = (Object.hasOwn(record, name) ? record[name] : null) ?? {};
  if (typeof inner !== "object" || Array.isArray(inner)) return undefined;
  const changed = placed(inner, rest, value);
  return changed && withField(record, name, changed);
}

/** Own property whatever its name. */
function withField(record: JsonRecord, name: string, value: Json): JsonRecord {
  return Object.defineProperty({ ...record }, name, { value, enumerable: true, writable: true, configurable: true });
}
