/** How messages name a step, and what they say about its dead letters. */
import type { FailureInfo } from "../../connectors/sdk/errors.ts";
import { MappingError } from "../mapping/error.ts";

type Named = { id: string; title?: string | undefined };

/** `Step “check”`, or `Step “Check orders” (check)` when the user gave it a title. */
export function stepName({ id, title }: Named): string {
  return title === undefined || title === id ? `Step “${id}”` : `Step “${title}” (${id})`;
}

export function atField(step: Named, field: string | undefined): string {
  return field === undefined ? stepName(step) : `${stepName(step)}, field “${field}”`;
}

/** "1 rule", "12 rules" */
export function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount} ${amount === 1 ? one : many}`;
}

export function list(names: readonly string[], most = 12): string {
  const shown = names.slice(0, most).map((name) => `“${name}”`);
  return names.length > most ? `${shown.join(", ")} and ${names.length - most} more` : shown.join(", ");
}

/** The failure of a record whose formula has no result. Anything but a MappingError is a fault of ours and is thrown on. */
export function formulaFailure(step: Named, error: unknown, field?: string): FailureInfo {
  if (!(error instanceof MappingError)) throw error;
  const failure: FailureInfo = {
    kind: "rejected",
    code: failureCode(error.code),
    message: `${atField(step, field)}: ${sentence(error.message)}`,
  };
  if (field !== undefined) failure.field = field;
  return failure;
}

/** Ends in a full stop. */
export function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** The code of a mapping's reason as failures write it: `not_a_number` is `not-a-number` in a dead letter. */
export function failureCode(code: string): string {
  return code.replaceAll("_", "-");
}
