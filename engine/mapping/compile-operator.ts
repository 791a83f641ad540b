import type { Node } from "./ast.ts";
import { type Compiled, type Context, compileNode, fold, problem, sourceOf } from "./compile-node.ts";
import { fail, locate } from "./error.ts";
import type { Scope } from "./function.ts";
import { binary } from "./operators.ts";
import { ANY, isNumeric, isUnknown, mayBeList, type Type } from "./types.ts";
import { describeValue, isNumber, type Num, type Value } from "./value.ts";

type NodeOf<K extends Node["kind"]> = Extract<Node, { kind: K }>;

/** A sign or percent, item by item over a list. */
export function compileUnary(
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

export function compileBinary(node: NodeOf<"binary">, context: Context): Compiled {
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
