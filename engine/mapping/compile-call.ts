import type { Node } from "./ast.ts";
import { type Argument, eagerCall, emptyRule, isSingle, lazyCall, parameterAt } from "./call-closure.ts";
import { type Compiled, type Context, compileNode, fold, problem, sourceOf } from "./compile-node.ts";
import { FormulaError } from "./error.ts";
import type { Lambda, MappingFunction, Parameter, Scope } from "./function.ts";
import { findFunction, functionNames } from "./functions/registry.ts";
import { nearest } from "./nearest.ts";
import { ANY, isNumeric, isUnknown, mayBeList, type Type } from "./types.ts";
import { quote } from "./value.ts";
import { spend } from "./work.ts";

type Call = Extract<Node, { kind: "call" }>;

export function compileCall(node: Call, context: Context): Compiled {
  const definition = findFunction(node.name);
  if (!definition) {
    for (const arg of node.args) if (arg.kind !== "lambda") compileNode(arg, context);
    const close = nearest(node.name, functionNames());
    const position = { start: node.start, end: node.nameEnd };
    const remedy = close ? `Did you mean ${close}?` : "The function menu lists all there are.";
    context.problems.push(
      new FormulaError({
        code: "unknown_function",
        message: `unknown function ${node.name}`,
        remedy,
        position,
        function: node.name,
      }),
    );
    return { type: ANY, run: () => null };
  }
  const before = context.problems.length;
  if (!checkCount(node, definition, context)) return { type: ANY, run: () => null };
  const types: Type[] = [];
  const args = node.args.map((arg, index) => {
    const compiled = compileArgument(arg, parameterAt(definition, index), types, definition, context);
    types.push(compiled.type);
    return compiled;
  });
  checkConstants(node, definition, args, context);
  const type = resultType(definition, args);
  if (context.problems.length > before) return { type, run: () => null };
  const runs = args.map((arg) => arg.run);
  const run = definition.lazy ? lazyCall(definition, runs, node) : eagerCall(definition, args, node);
  return args.some((arg) => arg.lambda) ? { type, run } : fold({ type, run }, args);
}

function checkCount(node: Call, definition: MappingFunction, context: Context): boolean {
  const { parameters, name } = definition;
  const least = parameters.filter((parameter) => !parameter.optional).length;
  const most = parameters.at(-1)?.variadic ? Number.POSITIVE_INFINITY : parameters.length;
  const found = node.args.length;
  if (found >= least && found <= most) return true;
  const wanted =
    least === most ? String(least) : most === Number.POSITIVE_INFINITY ? `at least ${least}` : `${least} to ${most}`;
  const signature = parameters
    .map((parameter) => (parameter.optional ? `[${parameter.name}]` : parameter.name))
    .join(", ");
  const message = `${name} expects ${wanted} argument${wanted === "1" ? "" : "s"}, found ${found}`;
  const position = { start: node.start, end: node.end };
  context.problems.push(
    new FormulaError({
      code: "argument_count",
      message,
      remedy: `Write ${name}(${signature}).`,
      position,
      function: name,
    }),
  );
  return false;
}

function compileArgument(
  node: Node,
  parameter: Parameter,
  before: readonly Type[],
  definition: MappingFunction,
  context: Context,
): Argument {
  const source = sourceOf(context, node);
  if (node.kind === "lambda" && (parameter.type === "lambda" || parameter.type === "each")) {
    return { ...compileLambda(node, before, definition, context), source };
  }
  const compiled = compileNode(node, context);
  const index = before.length;
  const { name } = definition;
  const position = { start: node.start, end: node.end };
  const report = (message: string, remedy?: string) =>
    context.problems.push(
      new FormulaError({
        code: "type_mismatch",
        message,
        position,
        function: name,
        argument: index,
        ...(remedy ? { remedy } : {}),
      }),
    );
  if (parameter.type === "lambda") {
    report(`${name} expects a LAMBDA as ${parameter.name}, found ${quote(source)}`, `Write LAMBDA(item, …).`);
  } else if (!accepts(parameter.type, compiled.type)) {
    const remedy =
      isNumericParameter(parameter) && compiled.type.type === "text" ? `Use NUMBER(${source}).` : undefined;
    report(
      `${name} expects ${article(parameter.type)} as ${parameter.name}, ${source} is ${compiled.type.type}`,
      remedy,
    );
  }
  return { ...compiled, source };
}

const isNumericParameter = ({ type }: Parameter) => type === "number" || type === "integer";

function article(type: Parameter["type"]): string {
  const names: Partial<Record<Parameter["type"], string>> = {
    text: "text",
    integer: "a whole number",
    boolean: "TRUE or FALSE",
    each: "a list or a LAMBDA",
  };
  return names[type] ?? `a ${type}`;
}

/** Whether a value of that type can fit. Functions of single values work item by item on lists. */
function accepts(parameter: Parameter["type"], type: Type): boolean {
  if (parameter === "any" || isUnknown(type)) return true;
  if (parameter === "list" || parameter === "each") return type.type === "list" || type.maybeList === true;
  if (parameter === "record") return type.type === "record";
  if (type.type === "list") return accepts(parameter, type.element ?? ANY);
  if (type.type === "record") return false;
  if (parameter === "text") return true;
  if (parameter === "boolean") return type.type === "boolean";
  if (parameter === "date") return type.type === "date" || type.type === "datetime" || type.type === "text";
  return isNumeric(type);
}

function compileLambda(
  node: Extract<Node, { kind: "lambda" }>,
  before: readonly Type[],
  definition: MappingFunction,
  context: Context,
) {
  const item = before[0]?.element ?? ANY;
  const given: readonly Type[] = definition.lambda?.(before) ?? [item, { type: "integer", nullable: false }];
  if (node.parameters.length > given.length) {
    const message = `${definition.name} gives a LAMBDA ${given.length} value${given.length === 1 ? "" : "s"}, this one takes ${node.parameters.length}`;
    problem(context, node, "argument_count", message);
  }
  const outer = context.names;
  const slots = node.parameters.map(({ name }, index) => {
    const slot = context.slots;
    context.slots += 1;
    context.names = { name, slot, type: given[index] ?? ANY, outer: context.names };
    return slot;
  });
  const body = compileNode(node.body, context);
  context.names = outer;
  const lambda = (scope: Scope): Lambda => {
    return (...values) => {
      spend();
      for (let index = 0; index < slots.length; index += 1) scope.vars[slots[index]!] = values[index] ?? null;
      return body.run(scope);
    };
  };
  return { type: body.type, run: () => null, lambda };
}

function checkConstants(node: Call, definition: MappingFunction, args: readonly Argument[], context: Context): void {
  const constants = args.map((arg) => (arg.lambda ? undefined : arg.constant));
  const found = definition.check?.(constants);
  const at = found && node.args[found.argument];
  if (found && at) {
    const position = { start: at.start, end: at.end };
    const { message, argument } = found;
    context.problems.push(
      new FormulaError({
        code: "bad_argument",
        message: `${definition.name}: ${message}`,
        position,
        function: definition.name,
        argument,
      }),
    );
  }
  const table = definition.parameters.findIndex((parameter) => parameter.name === "table");
  const name = constants[table];
  if (context.tables && typeof name === "string" && !context.tables.includes(name)) {
    const close = nearest(name, context.tables);
    const remedy = close ? `Did you mean "${close}"?` : "Add the table to the mapping first.";
    problem(context, node.args[table]!, "unknown_table", `unknown table ${quote(name)}`, remedy);
  }
}

function resultType(definition: MappingFunction, args: readonly Argument[]): Type {
  const types = args.map((arg) => arg.type);
  const constants = args.map((arg) => (arg.lambda ? undefined : arg.constant));
  if (typeof definition.returns === "function") return definition.returns(types, constants);
  const propagates = args.some(
    (arg, index) => emptyRule(parameterAt(definition, index), index) === "propagate" && arg.type.nullable,
  );
  const single: Type = {
    type: definition.returns,
    nullable: definition.nullable === true || (propagates && !definition.lazy),
  };
  if (definition.lazy) return single;
  const singles = args.filter((_, index) => isSingle(parameterAt(definition, index))).map((arg) => arg.type);
  const lifted = singles.find((given) => given.type === "list");
  if (lifted) return { type: "list", nullable: lifted.nullable, element: { ...single, nullable: true } };
  return singles.some(mayBeList) ? { ...single, maybeList: true } : single;
}
