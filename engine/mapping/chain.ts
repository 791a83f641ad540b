import type { Node } from "./ast.ts";
import { chainName, findChainFunction, nearestChainName } from "./chain-functions.ts";
import { FormulaError } from "./error.ts";
import type { ChainItem, FieldMapping } from "./field-mapping.ts";
import type { MappingFunction } from "./function.ts";
import { findFunction } from "./functions/registry.ts";
import { splitPath, writePath } from "./names.ts";
import { parseFormula } from "./parse.ts";
import type { Json } from "./types.ts";
import { quote, setField, toJson } from "./value.ts";
import { writeJson } from "./write-json.ts";

const NOWHERE = { start: 0, end: 0 };

interface Link {
  definition: MappingFunction;
  args: Json[];
}

/** The function and arguments an entry of a chain means. @throws FormulaError for an unknown function or unreadable arguments */
export function readChainItem(item: ChainItem): Link {
  const { name, args } = nameAndArguments(item);
  const definition = findChainFunction(name);
  if (definition) return { definition, args };
  const close = nearestChainName(name);
  throw new FormulaError({
    code: "unknown_function",
    message: `unknown function ${quote(name)}`,
    remedy: close ? `Did you mean "${close}"?` : "The function menu lists all there are.",
    position: NOWHERE,
    function: name,
  });
}

function nameAndArguments(item: ChainItem): { name: string; args: Json[] } {
  if (typeof item !== "string") {
    if ("fn" in item && typeof item.fn === "string")
      return { name: item.fn, args: (item.args as Json[] | undefined) ?? [] };
    const [[name, args]] = Object.entries(item) as [[string, Json]];
    return { name, args: Array.isArray(args) ? args : [args] };
  }
  if (!item.includes("(")) return { name: item.trim(), args: [] };
  const node = parseFormula(item);
  const args = node.kind === "call" ? node.args.map(constantOf) : [undefined];
  if (node.kind === "call" && args.every((arg) => arg !== undefined)) return { name: node.name, args: args as Json[] };
  throw new FormulaError({
    code: "bad_chain",
    message: `expected a function with fixed values, such as round(2), found ${quote(item)}`,
    remedy: "Use a formula for anything that reads other fields.",
    position: NOWHERE,
  });
}

/** The JSON a node without fields and functions stands for, or undefined. */
function constantOf(node: Node): Json | undefined {
  switch (node.kind) {
    case "number":
    case "text":
    case "boolean":
      return toJson(node.value);
    case "null":
      return null;
    case "list":
      return everyConstant(node.items);
    case "call":
      return node.name.toUpperCase() === "LIST" ? everyConstant(node.args) : undefined;
    case "record": {
      const record: { [name: string]: Json } = {};
      for (const { key, value } of node.entries) {
        const constant = constantOf(value);
        if (constant === undefined) return undefined;
        setField(record, key, constant);
      }
      return record;
    }
    default:
      return undefined;
  }
}

function everyConstant(nodes: readonly Node[]): Json[] | undefined {
  const values = nodes.map(constantOf);
  return values.every((value) => value !== undefined) ? (values as Json[]) : undefined;
}

/**
 * The formula a rule means: its source, then its chain from the inside out, its table and what stands for empty.
 *
 * @throws FormulaError when the rule names an unknown function
 */
export function chainToFormula(rule: Omit<FieldMapping, "to">): string {
  let formula =
    rule.from !== undefined
      ? writePath(splitPath(rule.from))
      : rule.formula !== undefined
        ? rule.formula.trim().replace(/^=/, "")
        : writeJson(rule.value ?? null);
  for (const item of rule.apply ?? []) {
    const { definition, args } = readChainItem(item);
    formula = `${definition.name}(${[formula, ...args.map(writeJson)].join(", ")})`;
  }
  if (rule.table !== undefined) formula = `LOOKUP(${formula}, ${writeJson(rule.table)})`;
  if (rule.whenEmpty !== undefined) formula = `IFEMPTY(${formula}, ${writeJson(rule.whenEmpty)})`;
  return formula;
}

/**
 * The rule (without its target) a formula means when it is a field or fixed value inside nothing but functions of the menu
 * with fixed arguments; undefined for any other formula. The inverse of `chainToFormula`.
 */
export function formulaToChain(formula: string): Omit<FieldMapping, "to"> | undefined {
  let node: Node;
  try {
    node = parseFormula(formula);
  } catch (error) {
    if (error instanceof FormulaError) return undefined;
    throw error;
  }
  const apply: ChainItem[] = [];
  for (;;) {
    const value = constantOf(node);
    if (value !== undefined) return { value, ...(apply.length > 0 ? { apply } : {}) };
    const path = pathOf(node);
    if (path) return { from: writePath(path), ...(apply.length > 0 ? { apply } : {}) };
    if (node.kind !== "call") return undefined;
    const definition = findFunction(node.name);
    const name = definition && chainName(definition);
    const [inner, ...rest] = node.args;
    const args = everyConstant(rest);
    if (!name || !inner || !args) return undefined;
    apply.unshift(args.length === 0 ? name : { fn: name, args });
    node = inner;
  }
}

function pathOf(node: Node): string[] | undefined {
  if (node.kind === "name") return [node.name];
  if (node.kind !== "member") return undefined;
  const path = pathOf(node.object);
  return path && [...path, node.name];
}
