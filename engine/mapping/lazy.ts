import { MappingError } from "./error.ts";
import type { Closure, Scope } from "./function.ts";
import type { Value } from "./value.ts";

/** For functions that ask whether something is there: a field the record does not have counts as empty. */
export function valueOrNull(closure: Closure, scope: Scope): Value {
  try {
    return closure(scope);
  } catch (error) {
    if (error instanceof MappingError && error.code === "missing_field") return null;
    throw error;
  }
}

/** NULL, empty text, or text of blanks only. */
export function isEmptyValue(value: Value): boolean {
  return value === null || (typeof value === "string" && value.trim() === "");
}
