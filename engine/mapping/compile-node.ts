import type { Node } from "./ast.ts";
import { compileCall } from "./compile-call.ts";
import { compileMember, compileName } from "./compile-field.ts";
import { FormulaError, fail, locate, MappingError } from "./error.ts";
import type { Closure, Scope } from "./function.ts";
import { looksLikeIso } from "./moment.ts";
import { exact, multiply, negate } from "./number.ts";
import { binary } from "./operators.ts";
import {
  ANY,
  eitherType,
  type Field,
  fieldOfType,
  isNumeric,
  isUnknown,
  type MappingEnv,
  mayBeList,
  NOTHING,
  type Type,
} from "./types.ts";
import { describeValue, isNumber, type Num, type RecordValue, setField, shorten, type Value } from "./value.ts";

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
      return compileUnary(node, context, "%", (value) => multiply(value, PERCENT));
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

const PERCENT = 0.01;

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

function compileUnary(
  node: NodeOf<"negate" | "percent">,
  context: Context,
  sign: string,
  compute: (value: Num) => Num,
): Compiled {
  const operand = compileNode(node.operand, context);
  const source = sourceOf(context, node.operand);
  expectNumber(operand.type, node.operand, context, sign);
  const apply = (value: Value): Value => {
    if (isNumber(value)) return compute(value);
    if (Array.isArray(value)) return value.map(apply);
    const remedy = value === null ? `use IFEMPTY(${source}, 0)` : `use NUMBER(${source})`;
    const code = value === null ? "empty" : "not_a_number";
    return fail(code, `expected a number for ${sign}, found ${describeValue(value)} (${source}); ${remedy}`, 0);
  };
  const { run: inner } = operand;
  const run = (scope: Scope): Value => {
    const value = inner(scope);
    try {
      return apply(value);
    } catch (error) {
      throw locate(error, undefined, node);
    }
  };
  const type: Type =
    operand.type.type === "list"
      ? operand.type
      : { type: sign === "%" ? "decimal" : numeric(operand.type), nullable: false };
  return fold({ type, run }, [operand]);
}

function numeric(type: Type): "integer" | "decimal" {
  return type.type === "integer" ? "integer" : "decimal";
}

/** The type of one item where an operator works item by item. */
function itemType(type: Type): Type {
  return type.type === "list" ? itemType(type.element ?? ANY) : type;
}

function expectNumber(type: Type, node: Node, context: Context, operator: string): void {
  const item = itemType(type);
  if (isUnknown(item) || isNumeric(item)) return;
  const source = sourceOf(context, node);
  const remedy =
    item.type === "text"
      ? `Use NUMBER(${source}), with "," as second argument when that is its decimal separator.`
      : undefined;
  problem(context, node, "type_mismatch", `${operator} expects numbers, ${source} is ${item.type}`, remedy);
}

const isDate = (type: Type) => type.type === "date" || type.type === "datetime";

function compileBinary(node: NodeOf<"binary">, context: Context): Compiled {
  const left = compileNode(node.left, context);
  const right = compileNode(node.right, context);
  const { operator } = node;
  const a = itemType(left.type);
  const b = itemType(right.type);
  const type = binaryType(node, a, b, context);
  const operands = { operator, left: sourceOf(context, node.left), right: sourceOf(context, node.right) };
  const slow = binary(operator, operands);
  const { run: runLeft } = left;
  const { run: runRight } = right;
  const fast = FAST[operator];
  const run = (scope: Scope): Value => {
    const x = runLeft(scope);
    const y = runRight(scope);
    if (fast !== undefined && typeof x === "number" && typeof y === "number") {
      const result = fast(x, y);
      if (result !== undefined) return result;
    }
    try {
      return slow(x, y, scope.env);
    } catch (error) {
      throw locate(error, undefined, node);
    }
  };
  const lists = left.type.type === "list" || right.type.type === "list";
  const maybe = mayBeList(left.type) || mayBeList(right.type);
  return fold(
    {
      type: lists ? { type: "list", nullable: false, element: type } : maybe ? { ...type, maybeList: true } : type,
      run,
    },
    [left, right],
  );
}

/** Comparing two JavaScript numbers needs no decimals: shortest texts order as the numbers do. */
const FAST: { [operator: string]: (a: number, b: number) => Value | undefined } = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "=": (a, b) => a === b,
  "<>": (a, b) => a !== b,
};

function binaryType(node: NodeOf<"binary">, a: Type, b: Type, context: Context): Type {
  const { operator, left, right } = node;
  if (operator === "&") {
    for (const [type, side] of [
      [a, left],
      [b, right],
    ] as const) {
      if (type.type === "record")
        problem(context, side, "type_mismatch", `& joins texts, ${sourceOf(context, side)} is a record`);
    }
    return { type: "text", nullable: false };
  }
  if (operator in FAST) {
    const ordered = operator !== "=" && operator !== "<>";
    const numberAndText = (isNumeric(a) && b.type === "text") || (a.type === "text" && isNumeric(b));
    if (ordered && numberAndText) {
      const text = sourceOf(context, a.type === "text" ? left : right);
      problem(context, node, "type_mismatch", `${operator} cannot compare text with a number`, `Use NUMBER(${text}).`);
    }
    return { type: "boolean", nullable: false };
  }
  if (operator === "+" && isDate(a) && !isDate(b)) return { type: a.type, nullable: false };
  if (operator === "+" && isDate(b)) return { type: b.type, nullable: false };
  if (operator === "-" && isDate(a)) {
    if (isNumeric(b)) return { type: a.type, nullable: false };
    if (isDate(b)) return { type: a.type === "date" && b.type === "date" ? "integer" : "decimal", nullable: false };
    return ANY;
  }
  expectNumber(a, left, context, operator);
  expectNumber(b, right, context, operator);
  if ((isUnknown(a) || isUnknown(b)) && (operator === "+" || operator === "-")) return { type: "any", nullable: false };
  const whole =
    a.type === "integer" && b.type === "integer" && (operator === "+" || operator === "-" || operator === "*");
  return { type: whole ? "integer" : "decimal", nullable: false };
}

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
