import type { Node } from "./ast.ts";
import { type Context, compileNode } from "./compile-node.ts";
import { FormulaError, MappingError } from "./error.ts";
import type { Scope } from "./function.ts";
import { parseFormula } from "./parse.ts";
import { ANY, type Field, type Json, type MappingEnv, type Type } from "./types.ts";
import { type RecordValue, toJson, type Value } from "./value.ts";
import { startWork } from "./work.ts";

export interface CompileOptions {
  /** shape of the records; undefined when unknown: then any field may be named and is looked for in each record */
  input?: readonly Field[] | undefined;
  /** names of the tables LOOKUP may use; undefined when unknown */
  tables?: readonly string[] | undefined;
}

export interface CompiledFormula {
  /** empty when the formula can be used; in the order of their places */
  problems: FormulaError[];
  type: Type;
  /** paths of the fields it reads, such as `customer.name`, in the order of first use */
  reads: string[];
  /** value of a formula that reads nothing, known before any record */
  constant: Json | undefined;
  /** Computes the formula over one record. @throws MappingError the reason this record has no result */
  evaluate(record: { [name: string]: unknown }, env: MappingEnv): Json;
  /** The same without the conversion to plain JSON. For the mapping compiler. */
  run(scope: Scope): Value;
}

/** Parses, checks and compiles a formula. Never throws: what is wrong with it is in `problems`. */
export function compileFormula(source: string, options: CompileOptions = {}): CompiledFormula {
  let node: Node;
  try {
    node = parseFormula(source);
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    return unusable([error]);
  }
  return compileParsed(node, source, options);
}

/** @param copy a formula that is only a field hands it on untouched, without reading numbers from their text */
export function compileParsed(node: Node, source: string, options: CompileOptions, copy = false): CompiledFormula {
  const context: Context = {
    source,
    input: options.input,
    tables: options.tables,
    problems: [],
    reads: new Set(),
    names: undefined,
    slots: 0,
    copy: copy && (node.kind === "name" || node.kind === "member"),
  };
  const compiled = compileNode(node, context);
  if (context.problems.length > 0) return unusable(context.problems, compiled.type, [...context.reads]);
  const { run } = compiled;
  return {
    problems: [],
    type: compiled.type,
    reads: [...context.reads],
    constant: compiled.constant === undefined ? undefined : toJson(compiled.constant),
    run,
    evaluate: (record, env) => toJson(run(newScope(record as RecordValue, env))),
  };
}

/** Begins the evaluation of one record. */
export function newScope(record: RecordValue, env: MappingEnv): Scope {
  startWork();
  return { record, env, vars: [] };
}

function unusable(problems: FormulaError[], type: Type = ANY, reads: string[] = []): CompiledFormula {
  const refuse = (): never => {
    const { message, remedy } = problems[0]!;
    throw new MappingError("invalid_mapping", remedy ? `${message}. ${remedy}` : message);
  };
  return { problems, type, reads, constant: undefined, run: refuse, evaluate: refuse };
}
