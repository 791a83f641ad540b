import type { Moment } from "./moment.ts";
import type { FieldType, Json, MappingEnv, Type } from "./types.ts";
import type { Num, RecordValue, Value } from "./value.ts";

export type Category = "text" | "number" | "date" | "logic" | "list" | "lookup" | "convert";

/** What one evaluation of a formula works on. Closures take it as their only argument. */
export interface Scope {
  record: RecordValue;
  env: MappingEnv;
  /** values of LET names and LAMBDA parameters, each at its own place */
  vars: Value[];
}

export type Closure = (scope: Scope) => Value;
export type Lambda = (...values: Value[]) => Value;

/** What a function receives for each type of parameter; a value that does not fit is a reason before `apply` is called. */
interface Kinds {
  text: string;
  number: Num;
  integer: number;
  boolean: boolean;
  date: Moment;
  list: Value[];
  record: RecordValue;
  lambda: Lambda;
  /** per item: a LAMBDA, or a list as long as the first argument */
  each: Lambda | Value[];
  any: Value;
}
export type ParameterType = keyof Kinds;

export interface Parameter {
  name: string;
  type: ParameterType;
  summary: string;
  optional?: boolean;
  /** the last one may be given any number of times */
  variadic?: boolean;
  /**
   * When the argument is empty (NULL): "propagate" ends the call with NULL, "pass" hands null over, "error" is a reason.
   * Default: propagate for the first parameter, error for the others; `any` passes.
   */
  empty?: "propagate" | "pass" | "error";
  /** sensible texts to choose from in a menu */
  choices?: readonly string[];
}

type Given<P> = P extends { type: infer T extends ParameterType }
  ? Kinds[T] | (P extends { empty: "pass" } ? null : never) | (P extends { optional: true } ? undefined : never)
  : never;
export type Arguments<Ps extends readonly unknown[]> = Ps extends readonly [infer First, ...infer Rest]
  ? First extends { variadic: true }
    ? Given<First>[]
    : [Given<First>, ...Arguments<Rest>]
  : [];

/** Shown in the editor and run as a test. `output` is the plain JSON of the result, `error` a part of the message. */
export type Example = { formula: string; record?: { [name: string]: Json } } & ({ output: Json } | { error: string });

export interface ConstantProblem {
  argument: number;
  message: string;
}

interface Definition<Ps extends readonly Parameter[]> {
  /** as formulas write it, upper case */
  name: string;
  /** other names formulas may use */
  aliases?: readonly string[];
  /** name in a chain, camelCase; default: the name in lower case; null when a chain makes no sense */
  chain?: string | null;
  chainAliases?: readonly string[];
  category: Category;
  summary: string;
  parameters: Ps;
  /** of the result; a function when it depends on the arguments (a constant is undefined when it is none) */
  returns: FieldType | ((args: readonly Type[], constants: readonly (Value | undefined)[]) => Type);
  /** the result may be NULL although no argument is */
  nullable?: boolean;
  /** types a LAMBDA argument receives; default: item of the first list, its number */
  lambda?: (args: readonly Type[]) => Type[];
  /** looks at the arguments that are constants before any record is read (undefined = not constant) */
  check?: (constants: readonly (Value | undefined)[]) => ConstantProblem | undefined;
  examples: readonly Example[];
}

/** A function as the compiler and the editor see it. */
export interface MappingFunction extends Definition<readonly Parameter[]> {
  apply?: (args: never[], env: MappingEnv) => Value;
  /** instead of `apply`: evaluates its arguments itself, only those it needs */
  lazy?: (args: readonly Closure[], scope: Scope) => Value;
}

/**
 * Declares a function. `apply` gets its arguments checked and converted by their parameters, must be pure apart from
 * `env`, and ends a record with `fail(code, message, argument)`.
 */
export function defineFunction<const Ps extends readonly Parameter[]>(
  definition: Definition<Ps> & { apply: (args: Arguments<Ps>, env: MappingEnv) => Value },
): MappingFunction {
  return definition as unknown as MappingFunction; // the compiler converts arguments by `parameters`, which types cannot follow
}

/** Declares a function that evaluates only the arguments it needs (IF, IFERROR, …). */
export function defineLazyFunction(
  definition: Definition<readonly Parameter[]> & { lazy: (args: readonly Closure[], scope: Scope) => Value },
): MappingFunction {
  return definition;
}
