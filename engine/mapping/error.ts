import { IntegrationError } from "../../connectors/sdk/errors.ts";

/** Place in a formula: offsets of the first character and of the one after the last, counted from 0. */
export interface Position {
  start: number;
  end: number;
}

export interface FormulaErrorDetails {
  code: string;
  message: string;
  /** What to do next, as a sentence of its own. */
  remedy?: string;
  position: Position;
  function?: string;
  /** Index of the argument at fault, counted from 0. */
  argument?: number;
}

/** A formula that cannot be used as it stands: wrong syntax, unknown name, types that do not fit. Found before any record is read. */
export class FormulaError extends Error {
  readonly code: string;
  readonly remedy: string | undefined;
  readonly position: Position;
  readonly function: string | undefined;
  readonly argument: number | undefined;

  constructor(details: FormulaErrorDetails) {
    super(details.message);
    this.name = "FormulaError";
    this.code = details.code;
    this.remedy = details.remedy;
    this.position = details.position;
    this.function = details.function;
    this.argument = details.argument;
  }
}

/** Why one record could not be mapped. Stable: stored with dead letters and grouped by. */
export type MappingCode =
  | "empty"
  | "not_a_number"
  | "not_an_integer"
  | "not_text"
  | "not_a_boolean"
  | "not_a_date"
  | "not_a_list"
  | "not_a_record"
  | "missing_field"
  | "not_found"
  | "out_of_range"
  | "division_by_zero"
  | "overflow"
  | "too_long"
  | "too_much_work"
  | "bad_format"
  | "bad_value"
  | "mismatch"
  | "raised"
  | "invalid_mapping";

/**
 * One record's reason for not passing a mapping. The message is a whole sentence: what was expected, what was found
 * (shortened), what to do next. `position` is the place in the formula, `argument` counts from 0.
 */
export class MappingError extends IntegrationError {
  declare readonly code: MappingCode;
  function: string | undefined;
  argument: number | undefined;
  position: Position | undefined;

  constructor(code: MappingCode, message: string, argument?: number) {
    super(message, { kind: "rejected", code, actor: "user", retry: "never" });
    this.name = "MappingError";
    this.argument = argument;
  }
}

/** Ends the evaluation of this record with a reason; the caller adds function and position. */
export function fail(code: MappingCode, message: string, argument?: number): never {
  throw new MappingError(code, message, argument);
}

/** Adds function and place to a reason that does not have them yet; anything else that was thrown is a fault of ours and passes. */
export function locate(error: unknown, functionName: string | undefined, position: Position): unknown {
  if (error instanceof MappingError && error.position === undefined) {
    error.function = functionName;
    error.position = position;
    if (functionName) error.message = `${functionName}: ${error.message}`;
  }
  return error;
}
