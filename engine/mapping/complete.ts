import { functionCatalogue } from "./catalogue.ts";
import { writeName } from "./names.ts";
import { type Token, tokenize } from "./token.ts";
import type { Field } from "./types.ts";

export interface Completion {
  label: string;
  kind: "field" | "function" | "name" | "keyword";
  /** a field's type, a function's signature */
  detail: string;
  summary?: string;
  /** goes in place of `from` to `to`; for functions with the opening bracket */
  insert: string;
}

export interface Completions {
  from: number;
  to: number;
  items: Completion[];
}

const FORMS: Completion[] = [
  { label: "LET", kind: "function", detail: "LET(name, value, …, result)", insert: "LET(" },
  { label: "LAMBDA", kind: "function", detail: "LAMBDA(name, …, result)", insert: "LAMBDA(" },
  ...["TRUE", "FALSE", "NULL"].map((word): Completion => ({ label: word, kind: "keyword", detail: "", insert: word })),
];
const FUNCTIONS: Completion[] = functionCatalogue.map(({ name, signature, summary }) => ({
  label: name,
  kind: "function",
  detail: signature,
  summary,
  insert: `${name}(`,
}));

/**
 * What can stand at a place in a formula, best first: fields (after a point those of the record in front of it), names of
 * LET and LAMBDA, functions. Nothing inside a text or number.
 *
 * @param offset place of the caret, 0 to the formula's length
 * @param shape fields of the records, undefined when unknown
 */
export function completeAt(formula: string, offset: number, shape: readonly Field[] | undefined): Completions {
  const tokens = tokenize(formula);
  const nothing = { from: offset, to: offset, items: [] };
  const index = tokens.findIndex((token) => token.kind !== "end" && token.start < offset && offset <= token.end);
  const token = tokens[index];
  if (token && (token.kind === "text" || token.kind === "number")) return nothing;
  if (token?.kind === "error" && (token.source.startsWith('"') || token.source.startsWith("`"))) return nothing;
  const word =
    token && (token.kind === "name" || token.kind === "function" || token.kind === "keyword") ? token : undefined;
  const from = word ? word.start : offset;
  const to = word ? word.end : offset;
  const typed = word ? formula.slice(word.start, offset).replace(/^\[/, "").toLowerCase() : "";
  const before = word
    ? index - 1
    : token
      ? index
      : tokens.findLastIndex((candidate) => candidate.kind !== "end" && candidate.end <= offset);
  const path = tokens[before]?.source === "." ? pathBefore(tokens, before) : undefined;
  const fields = path ? fieldsAt(path, tokens, shape) : shape;
  const items = (fields ?? []).map(fieldItem);
  if (!path) items.push(...names(tokens, before), ...FUNCTIONS, ...FORMS);
  return { from, to, items: ranked(items, typed) };
}

function fieldItem({ name, type, title }: Field): Completion {
  return { label: name, kind: "field", detail: type, ...(title ? { summary: title } : {}), insert: writeName(name) };
}

function ranked(items: readonly Completion[], typed: string): Completion[] {
  const starts = items.filter((item) => item.label.toLowerCase().startsWith(typed));
  const contains = items.filter((item) => !starts.includes(item) && item.label.toLowerCase().includes(typed));
  return [...starts, ...contains];
}

/** The names in front of the point at `point`: customer.address. → [customer, address]. */
function pathBefore(tokens: readonly Token[], point: number): string[] {
  const path: string[] = [];
  for (let at = point; at > 0 && tokens[at]!.source === "."; at -= 2) {
    const name = tokens[at - 1]!;
    if (name.kind !== "name") return [];
    path.unshift(name.value);
  }
  return path;
}

/** Fields of the record or list a path leads to; the parameter of a LAMBDA stands for an item of the list before it. */
function fieldsAt(
  path: readonly string[],
  tokens: readonly Token[],
  shape: readonly Field[] | undefined,
): readonly Field[] | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return undefined;
  let fields = shape?.find((field) => field.name === first)?.fields ?? lambdaFields(first, tokens, shape);
  for (const name of rest) fields = fields?.find((field) => field.name === name)?.fields;
  return fields;
}

function lambdaFields(
  parameter: string,
  tokens: readonly Token[],
  shape: readonly Field[] | undefined,
): readonly Field[] | undefined {
  for (let at = tokens.length - 1; at >= 0; at -= 1) {
    if (tokens[at]!.value.toUpperCase() !== "LAMBDA" || tokens[at + 2]?.value !== parameter) continue;
    const list = tokens[at - 2];
    if (list?.kind !== "name") continue;
    const path = tokens[at - 3]?.source === "." ? [...pathBefore(tokens, at - 3), list.value] : [list.value];
    return fieldsAt(path, tokens.slice(0, at), shape);
  }
  return undefined;
}

/** Names LAMBDA and LET define in front of the caret. */
function names(tokens: readonly Token[], before: number): Completion[] {
  const found = new Set<string>();
  for (let at = 0; at <= before; at += 1) {
    const form = tokens[at]!.value.toUpperCase();
    if (tokens[at]!.kind !== "function" || (form !== "LAMBDA" && form !== "LET")) continue;
    for (
      let next = at + 2;
      next <= before && tokens[next]!.kind === "name" && /[,;]/.test(tokens[next + 1]?.source ?? "");
      next += 2
    ) {
      found.add(tokens[next]!.value);
      if (form === "LET") break;
    }
  }
  return [...found].map((name) => ({ label: name, kind: "name", detail: "", insert: writeName(name) }));
}
