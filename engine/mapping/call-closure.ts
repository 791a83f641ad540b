import type { Node } from "./ast.ts";
import { toBoolean, toInteger, toList, toMoment, toNumber, toRecord, toText } from "./coerce.ts";
import type { Compiled } from "./compile-node.ts";
import { fail, locate } from "./error.ts";
import type { Closure, Lambda, MappingFunction, Parameter, Scope } from "./function.ts";
import type { MappingEnv } from "./types.ts";
import type { Value } from "./value.ts";
import { spend } from "./work.ts";

type Call = Extract<Node, { kind: "call" }>;

export interface Argument extends Compiled {
  /** makes the callable for one evaluation */
  lambda?: (scope: Scope) => Lambda;
  source: string;
}

export function parameterAt({ parameters }: MappingFunction, index: number): Parameter {
  return parameters[Math.min(index, parameters.length - 1)]!;
}

export function emptyRule(parameter: Parameter, index: number): "propagate" | "pass" | "error" {
  return parameter.empty ?? (parameter.type === "any" ? "pass" : index === 0 ? "propagate" : "error");
}

/** Takes one value; given a list, the function is applied to each item. */
export function isSingle({ type }: Parameter): boolean {
  return type === "text" || type === "number" || type === "integer" || type === "boolean" || type === "date";
}

export function lazyCall(definition: MappingFunction, runs: readonly Closure[], node: Call): Closure {
  const { lazy, name } = definition;
  return (scope) => {
    try {
      return lazy!(runs, scope);
    } catch (error) {
      throw locate(error, name, node);
    }
  };
}

type Coerce = (value: Value, env: MappingEnv) => unknown;

function coercion(parameter: Parameter, index: number, source: string): Coerce {
  switch (parameter.type) {
    case "text":
      return (value) => (typeof value === "string" ? value : toText(value, index));
    case "number":
      return (value) => toNumber(value, index, source);
    case "integer":
      return (value) => toInteger(value, index, source);
    case "boolean":
      return (value) => toBoolean(value, index);
    case "date":
      return (value, env) => toMoment(value, env, index, source);
    case "list":
    case "each":
      return (value) => toList(value, index);
    case "record":
      return (value) => toRecord(value, index);
    default:
      return (value) => value;
  }
}

/** Evaluates the arguments, treats empty ones and lists as the parameters say, converts the others and calls the function. */
export function eagerCall(definition: MappingFunction, args: readonly Argument[], node: Call): Closure {
  const { name } = definition;
  const apply = definition.apply as (args: unknown[], env: MappingEnv) => Value;
  const count = args.length;
  const runs = args.map((arg) => arg.run);
  const lambdas = args.map((arg) => arg.lambda);
  const parameters = args.map((_, index) => parameterAt(definition, index));
  const rules = parameters.map(emptyRule);
  const single = parameters.map(isSingle);
  const coerce = parameters.map((parameter, index) => coercion(parameter, index, args[index]!.source));

  const call = (given: unknown[], env: MappingEnv): Value => {
    let lists = false;
    for (let index = 0; index < count; index += 1) {
      if (lambdas[index]) continue;
      const value = given[index] as Value;
      if (value === null) {
        const rule = rules[index];
        if (rule === "propagate") return null;
        if (rule === "error")
          fail(
            "empty",
            `expected a value for ${parameters[index]!.name}, found nothing (${args[index]!.source} is empty)`,
            index,
          );
      } else if (single[index] && Array.isArray(value)) lists = true;
      else given[index] = coerce[index]!(value, env);
    }
    return lists ? overItems(given, env) : apply(given, env);
  };

  /** One call per item of the lists given where a single value is expected. Values already converted are converted again as they are. */
  const overItems = (given: unknown[], env: MappingEnv): Value => {
    const lists = given.filter((value, index) => single[index] && Array.isArray(value)) as Value[][];
    const { length } = lists[0]!;
    spend(length);
    if (lists.some((list) => list.length !== length)) {
      fail(
        "mismatch",
        `expected lists of the same length, found ${lists.map((list) => list.length).join(" and ")} items`,
      );
    }
    return lists[0]!.map((_, item) => {
      const row = given.map((value, index) =>
        single[index] && Array.isArray(value) ? (value as Value[])[item] : value,
      );
      return callItem(row, given, env);
    });
  };
  const callItem = (row: unknown[], given: unknown[], env: MappingEnv): Value => {
    let lists = false;
    for (let index = 0; index < count; index += 1) {
      if (!single[index] || !Array.isArray(given[index])) continue;
      const value = row[index] as Value;
      if (value === null) {
        if (rules[index] === "propagate") return null;
        if (rules[index] === "error")
          fail("empty", `expected a value for ${parameters[index]!.name} in every item, found nothing`, index);
      } else if (Array.isArray(value)) lists = true;
      else row[index] = coerce[index]!(value, env);
    }
    return lists ? overItems(row, env) : apply(row, env);
  };

  return (scope) => {
    const given: unknown[] = new Array(count);
    for (let index = 0; index < count; index += 1) {
      const lambda = lambdas[index];
      given[index] = lambda ? lambda(scope) : runs[index]!(scope);
    }
    try {
      return call(given, scope.env);
    } catch (error) {
      throw locate(error, name, node);
    }
  };
}
