import type { Position } from "./error.ts";
import type { Num } from "./value.ts";

export type BinaryOperator = "+" | "-" | "*" | "/" | "^" | "&" | "=" | "<>" | "<" | "<=" | ">" | ">=";

/** Binding powers. As in spreadsheets a minus sign binds tighter than a power, -2^2 = 4, and ^ goes from left to right. */
export const POWERS: Record<BinaryOperator, number> = {
  "=": 10,
  "<>": 10,
  "<": 10,
  "<=": 10,
  ">": 10,
  ">=": 10,
  "&": 20,
  "+": 30,
  "-": 30,
  "*": 40,
  "/": 40,
  "^": 50,
};

interface At extends Position {
  /** longest path down to a leaf; bounded, so that walking a tree never exhausts the stack */
  depth: number;
}

/** A parsed formula. `start` and `end` are offsets into its text. */
export type Node = At &
  (
    | { kind: "number"; value: Num }
    | { kind: "text"; value: string }
    | { kind: "boolean"; value: boolean }
    | { kind: "null" }
    | { kind: "name"; name: string }
    | { kind: "member"; object: Node; name: string }
    | { kind: "index"; object: Node; index: Node }
    | { kind: "negate"; operand: Node }
    | { kind: "percent"; operand: Node }
    | { kind: "binary"; operator: BinaryOperator; left: Node; right: Node }
    | { kind: "list"; items: Node[] }
    | { kind: "record"; entries: { key: string; value: Node }[] }
    | { kind: "call"; name: string; args: Node[]; nameEnd: number }
    | { kind: "lambda"; parameters: { name: string; start: number; end: number }[]; body: Node }
    | { kind: "let"; bindings: { name: string; value: Node }[]; body: Node }
  );

/** A node before its depth is known. */
export type Draft = Node extends infer N ? (N extends Node ? Omit<N, "depth"> : never) : never;

export function children(node: Node | Draft): Node[] {
  switch (node.kind) {
    case "member":
      return [node.object];
    case "index":
      return [node.object, node.index];
    case "negate":
    case "percent":
      return [node.operand];
    case "binary":
      return [node.left, node.right];
    case "list":
      return node.items;
    case "record":
      return node.entries.map((entry) => entry.value);
    case "call":
      return node.args;
    case "lambda":
      return [node.body];
    case "let":
      return [...node.bindings.map((binding) => binding.value), node.body];
    default:
      return [];
  }
}
