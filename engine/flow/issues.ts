/** Words for what a schema found: what was expected, what was found, where, what to do next. */
import type { z } from "zod";
import type { Json } from "../../connectors/sdk/types.ts";
import { nearest } from "../mapping/nearest.ts";
import { describeValue } from "../mapping/value.ts";
import type { Problem } from "../steps/define-step.ts";
import { isJsonRecord } from "./plain.ts";

type Place = {
  /** step id; "" for what belongs to no step */
  step: string;
  /** how messages begin: `Step “check”` or `Flow` */
  whose: string;
  /** put before paths: "settings" */
  prefix?: string;
};

const KINDS: { [expected: string]: string } = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "a record of settings",
  record: "a record",
};

/** Names people know from elsewhere, and what they are called here. */
const ALIASES: { [name: string]: string[] } = {
  table: ["stream", "sink"],
  source: ["connection", "from", "stream"],
  target: ["connection", "to", "sink"],
  column: ["field"],
  type: ["kind", "is"],
  pattern: ["matches"],
  regex: ["matches"],
  enum: ["oneOf"],
  in: ["oneOf"],
  values: ["oneOf"],
  present: ["required"],
  nullable: ["optional"],
  minimum: ["min"],
  maximum: ["max"],
  condition: ["where"],
  when: ["where"],
  expression: ["formula", "where"],
  mode: ["sync", "operation"],
  schedule: ["cron", "every"],
  interval: ["every"],
  timezone: ["timeZone"],
  key: ["keys", "match"],
  keys: ["match"],
  matchKeys: ["match"],
  mapping: ["fields"],
  mappings: ["fields"],
  default: ["value"],
  constant: ["value"],
  functions: ["apply"],
  onError: ["otherwise"],
  nodes: ["steps"],
  edges: ["links"],
  version: ["format"],
  name: ["title", "port", "id"],
};

/** One problem per finding of the schema, at most 100. */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  input: Json,
  schema: z.ZodType,
  place: Place,
): Problem[] {
  const problems: Problem[] = [];
  for (const issue of issues) {
    if (problems.length >= 100) break;
    if (issue.code === "unrecognized_keys") {
      const known = keysAt(schema, issue.path);
      for (const name of issue.keys.slice(0, 20)) problems.push(unknownName(name, known, [...issue.path, name], place));
      continue;
    }
    const found = valueAt(input, issue.path);
    const missing = found === undefined && issue.path.length > 0;
    problems.push({
      step: place.step,
      ...(targetOf(issue.path, input, place) ?? fieldOf(issue.path, place)),
      message: `${whereOf(issue.path, place)}: ${expectation(issue)}, found ${foundText(found)}.`,
      remedy: remedyOf(issue, found, missing),
    });
  }
  return problems;
}

function unknownName(name: string, known: string[], path: PropertyKey[], place: Place): Problem {
  const alias = Object.hasOwn(ALIASES, name) ? ALIASES[name]?.find((other) => known.includes(other)) : undefined;
  const near = alias ?? nearest(name, known);
  const list = known.length > 0 ? ` Known here: ${known.join(", ")}.` : "";
  return {
    step: place.step,
    ...fieldOf(path, place),
    message: `${whereOf(path, place)}: there is no setting of the name “${cut(name)}” here.`,
    remedy: near ? `Did you mean “${near}”?` : `Remove it.${list}`,
  };
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.message.startsWith("expected")) return issue.message;
  switch (issue.code) {
    case "invalid_type":
      return `expected ${KINDS[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return issue.values.length === 1
        ? `expected “${String(issue.values[0])}”`
        : `expected one of ${issue.values.map((value) => `“${String(value)}”`).join(", ")}`;
    case "too_small":
      if (issue.origin === "string")
        return Number(issue.minimum) === 1 ? "expected some text" : `expected at least ${issue.minimum} characters`;
      return issue.origin === "array"
        ? `expected at least ${issue.minimum} entries`
        : `expected ${issue.minimum} or more`;
    case "too_big":
      if (issue.origin === "string") return `expected at most ${issue.maximum} characters`;
      return issue.origin === "array"
        ? `expected at most ${issue.maximum} entries`
        : `expected ${issue.maximum} or less`;
    case "invalid_key":
      return `expected a step id as name`;
    default:
      return `expected another value (${issue.message})`;
  }
}

function remedyOf(issue: z.core.$ZodIssue, found: unknown, missing: boolean): string {
  const last = issue.path.at(-1);
  const name = typeof last === "number" ? "this entry" : `“${cut(String(last ?? "flow"))}”`;
  if (missing) return `Add ${name}.`;
  if (issue.code === "invalid_value") {
    const near = typeof found === "string" ? nearest(found, issue.values.map(String)) : undefined;
    return near ? `Did you mean “${near}”?` : "Choose one of these.";
  }
  if (issue.code === "too_big") return `Make ${name} smaller.`;
  if (issue.code === "invalid_type" && issue.expected === "array") return `Write ${name} as a list: [ … ].`;
  return `Correct ${name}.`;
}

function foundText(found: unknown): string {
  return describeValue(found as Parameters<typeof describeValue>[0]);
}

/** "rules[0].is" */
export function pathText(path: readonly PropertyKey[]): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += text === "" ? cut(String(part)) : `.${cut(String(part))}`;
  }
  return text;
}

function fieldOf(path: readonly PropertyKey[], { prefix }: Place): { field?: string } {
  const field = pathText(prefix === undefined ? path : [prefix, ...path]);
  return field === "" ? {} : { field };
}

/** Of a step's field mappings, the target field: other problems of the line are shown there, too. */
function targetOf(path: readonly PropertyKey[], input: Json, { step }: Place): { field: string } | undefined {
  if (step === "" || path[0] !== "fields" || typeof path[1] !== "number") return undefined;
  const to = valueAt(input, [...path.slice(0, 2), "to"]);
  return typeof to === "string" && to !== "" ? { field: cut(to) } : undefined;
}

function whereOf(path: readonly PropertyKey[], place: Place): string {
  const { field } = fieldOf(path, place);
  return field === undefined ? place.whose : `${place.whose}, field “${field}”`;
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function valueAt(input: Json, path: readonly PropertyKey[]): Json | undefined {
  let value: Json | undefined = input;
  for (const part of path) {
    if (Array.isArray(value) && typeof part === "number") value = value[part];
    else if (isJsonRecord(value) && Object.hasOwn(value, part)) value = value[String(part)];
    else return undefined;
  }
  return value;
}

/** Names a record may hold at `path` of a schema; empty when it is not a record. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let current = unwrap(schema as z.core.$ZodType);
  for (const part of path) {
    const { def } = (current as z.core.$ZodTypes)._zod;
    let next: z.core.$ZodType | undefined;
    if (def.type === "object") next = def.shape[String(part)];
    else if (def.type === "array") next = def.element;
    else if (def.type === "record") next = def.valueType;
    else if (def.type === "union") next = def.options.find((option) => keysOf(unwrap(option)).includes(String(part)));
    if (!next) return [];
    current = unwrap(next);
  }
  return keysOf(current);
}

function keysOf(schema: z.core.$ZodType): string[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === "object") return Object.keys(def.shape);
  if (def.type === "union") return [...new Set(def.options.flatMap((option) => keysOf(unwrap(option))))];
  return [];
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  let current = schema;
  for (;;) {
    const { def } = (current as z.core.$ZodTypes)._zod;
    if (def.type === "optional" || def.type === "nullable" || def.type === "default") current = def.innerType;
    else return current;
  }
}
