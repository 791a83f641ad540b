import type { Node } from "./ast.ts";
import { compileCall } from "./compile-call.ts";
import { compileMember, compileName } from "./compile-field.ts";
import { compileBinary, compileUnary } from "./compile-operator.ts";
import { FormulaError, MappingError } from "./error.ts";
import type { Closure, Scope } from "./function.ts";
import { looksLikeIso } from "./moment.ts";
import { exact, multiply, negate } from "./number.ts";
import { ANY, eitherType, type Field, fieldOfType, type MappingEnv, NOTHING, type Type } from "./types.ts";
import { type RecordValue, setField, shorten, type Value } from "./value.ts";

/** A LET name or LAMBDA parameter in force, innermost first. */
export interface LocalName {
  name: string;
  slot: number;
  type: Type;
  outer: LocalName | undefined;
}

export interface Context {
  source: string;
  input: readonly Field[] | undefined;
  tables: readonly string[] | undefined;
  problems: FormulaError[];
  reads: Set<string>;
  names: LocalName | undefined;
  slots: number;
  /** the formula is only a field: hand it on as it is */
  copy: boolean;
}

export interface Compiled {
  type: Type;
  run: Closure;
  /** the value, when it depends on nothing */
  constant?: Value;
  /** path of the field this reads, when it is nothing else */
  path?: string;
}

export function problem(context: Context, at: Node, code: string, message: string, remedy?: string): void {
  const position = { start: at.start, end: at.end };
  context.problems.push(new FormulaError({ code, message, position, ...(remedy ? { remedy } : {}) }));
}

/** The characters of a node, for messages. */
export function sourceOf(context: Context, node: Node): string {
  return shorten(context.source.slice(node.start, node.end), 60);
}

export function compileNode(node: Node, context: Context): Compiled {
  switch (node.kind) {
    case "number":
      return constant(node.value, { type: exact(node.value).isInteger() ? "integer" : "decimal", nullable: false });
    case "text":
      return constant(node.value, { type: textType(node.value), nullable: false });
    case "boolean":
      return constant(node.value, { type: "boolean", nullable: false });
    case "null":
      return constant(null, NOTHING);
    case "name":
      return compileName(node, context);
    case "member":
      return compileMember(node, context);
    case "index":
      return compileCall(
        { ...node, kind: "call", name: "INDEX", args: [node.object, node.index], nameEnd: node.end },
        context,
      );
    case "negate":
      return compileUnary(node, context, "-", negate);
    case "percent":
      return compileUnary(node, context, "%", (value) => multiply(value, 0.01));
    case "binary":
      return compileBinary(node, context);
    case "list": {
      const items = node.items.map((item) => compileNode(item, context));
      const element = items.length > 0 ? items.map((item) => item.type).reduce(eitherType) : ANY;
      const runs = items.map((item) => item.run);
      return fold(
        { type: { type: "list", nullable: false, element }, run: (scope) => runs.map((run) => run(scope)) },
        items,
      );
    }
    case "record":
      return compileRecord(node, context);
    case "call":
      return compileCall(node, context);
    case "let":
      return compileLet(node, context);
    case "lambda":
      problem(
        context,
        node,
        "misplaced_lambda",
        "LAMBDA is only allowed as an argument of a function such as MAP or FILTER",
      );
      return { type: ANY, run: () => null };
  }
}

/** A text in the form of an ISO date is one: `"2026-11-23" + 30`. */
function textType(text: string): "text" | "date" | "datetime" {
  return looksLikeIso(text) ? (text.length === 10 ? "date" : "datetime") : "text";
}

function constant(value: Value, type: Type): Compiled {
  return { type, run: () => value, constant: value };
}

/** Reading the environment while folding means the result is no constant. */
const unknownEnv = new Proxy({} as MappingEnv, {
  get() {
    throw new MappingError("empty", "not a constant");
  },
});

/** Computes what depends on nothing once. What fails is left for run time, where IFERROR may catch it. */
export function fold(compiled: Compiled, parts: readonly Compiled[]): Compiled {
  if (parts.some((part) => part.constant === undefined)) return compiled;
  try {
    const value = compiled.run({ record: {}, env: unknownEnv, vars: [] });
    if (typeof value === "string" && value.length > 1000) return compiled;
    return { ...constant(value, compiled.type) };
  } catch {
    return compiled;
  }
}

type NodeOf<K extends Node["kind"]> = Extract<Node, { kind: K }>;

function compileRecord(node: NodeOf<"record">, context: Context): Compiled {
  const entries = node.entries.map(({ key, value }) => ({ key, ...compileNode(value, context) }));
  const run = (scope: Scope): Value => {
    const record: RecordValue = {};
    for (const entry of entries) setField(record, entry.key, entry.run(scope));
    return record;
  };
  const fields = entries.map(({ key, type }) => fieldOfType(key, type));
  return fold({ type: { type: "record", nullable: false, fields }, run }, entries);
}

function compileLet(node: NodeOf<"let">, context: Context): Compiled {
  const outer = context.names;
  const steps: { slot: number; run: Closure }[] = [];
  for (const { name, value } of node.bindings) {
    const compiled = compileNode(value, context);
    const slot = context.slots;
    context.slots += 1;
    steps.push({ slot, run: compiled.run });
    context.names = { name, slot, type: compiled.type, outer: context.names };
  }
  const body = compileNode(node.body, context);
  context.names = outer;
  const run = (scope: Scope): Value => {
    for (const step of steps) scope.vars[step.slot] = step.run(scope);
    return body.run(scope);
  };
  return { type: body.type, run };
}
