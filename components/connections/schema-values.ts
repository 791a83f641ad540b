/** Values of a form drawn from a schema: what a new one holds, what is sent, what is missing. Pure. */
import type { FormField, FormNode } from "./schema-form.ts";

export type Values = { [field: string]: unknown };
export type Problems = { [path: string]: string };

/** What a new form starts with: the schema's defaults, so that a person sees what will be used. */
export function startValues(fields: FormField[]): Values {
  const entries = fields.map(({ name, node }) => [name, startValue(node)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

export function startValue(node: FormNode): unknown {
  if (node.kind === "group") return node.optional ? undefined : startValues(node.fields);
  if (node.kind === "variants") return node.default === undefined ? undefined : startVariant(node, node.default);
  if (node.kind === "list" || node.kind === "pairs" || node.kind === "json") return undefined;
  return node.default;
}

/** A fresh value of one variant of a union: its tag and its defaults. */
export function startVariant(node: FormNode & { kind: "variants" }, value: string): Values {
  const variant = node.variants.find((one) => one.value === value);
  return { [node.by]: value, ...startValues(variant?.fields ?? []) };
}

/** The values as they are sent: without empty boxes, and only what the chosen variant has. */
export function cleanValues(fields: FormField[], values: Values): Values {
  const entries = fields.map(({ name, node }) => [name, clean(node, values[name])] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function clean(node: FormNode, value: unknown): unknown {
  if (value === undefined || value === null) return undefined;
  switch (node.kind) {
    case "text":
      // A secret may begin or end with a blank; an address may not.
      return value === "" ? undefined : node.secret ? value : String(value).trim() || undefined;
    case "number":
      return value === "" ? undefined : Number(value);
    case "group":
      return cleanValues(node.fields, asValues(value));
    case "variants": {
      const tag = asValues(value)[node.by];
      const variant = node.variants.find((one) => one.value === tag);
      return variant && { [node.by]: tag, ...cleanValues(variant.fields, asValues(value)) };
    }
    case "list":
      return Array.isArray(value) ? value.map((one) => cleanValues(node.item.fields, asValues(one))) : undefined;
    case "words":
      return Array.isArray(value) && value.length > 0 ? value : undefined;
    case "pairs": {
      const kept = Object.entries(asValues(value)).filter(([name]) => name.trim() !== "");
      return kept.length > 0 ? Object.fromEntries(kept) : undefined;
    }
    default:
      return value;
  }
}

/**
 * What keeps a form from being sent, by path (“auth.tokenUrl”, “streams.0.name”).
 * @param kept fields the server already holds and that may stay empty: stored secrets
 */
export function formProblems(
  fields: FormField[],
  values: Values,
  kept: ReadonlySet<string> = new Set(),
  path = "",
): Problems {
  const problems: Problems = {};
  for (const { name, node } of fields) {
    const at = path === "" ? name : `${path}.${name}`;
    Object.assign(problems, problemsOf(node, values[name], at, kept));
  }
  return problems;
}

function problemsOf(node: FormNode, value: unknown, at: string, kept: ReadonlySet<string>): Problems {
  const empty = value === undefined || value === null || value === "";
  if (empty)
    return node.optional || kept.has(at) || node.kind === "toggle"
      ? {}
      : { [at]: node.kind === "choice" || node.kind === "variants" ? "Choose one." : "This is needed." };
  switch (node.kind) {
    case "text":
      return node.url && !URL.canParse(String(value).trim())
        ? { [at]: "Expected an address such as https://api.example.com." }
        : {};
    case "number":
      return numberProblem(node, Number(value), at);
    case "group":
      return formProblems(node.fields, asValues(value), kept, at);
    case "variants": {
      const variant = node.variants.find((one) => one.value === asValues(value)[node.by]);
      return variant ? formProblems(variant.fields, asValues(value), kept, at) : { [at]: "Choose one." };
    }
    case "list":
      return Object.assign(
        {},
        ...(Array.isArray(value) ? value : []).map((one, index) =>
          formProblems(node.item.fields, asValues(one), kept, `${at}.${index}`),
        ),
      );
    case "json":
      return value instanceof BrokenJson ? { [at]: "This is not JSON yet: check commas, quotes and brackets." } : {};
    default:
      return {};
  }
}

function numberProblem({ integer, min, max }: FormNode & { kind: "number" }, value: number, at: string): Problems {
  if (!Number.isFinite(value) || (integer && !Number.isInteger(value)))
    return { [at]: integer ? "Expected a whole number." : "Expected a number." };
  if (min !== undefined && value < min) return { [at]: `At least ${min}.` };
  if (max !== undefined && value > max) return { [at]: `At most ${max}.` };
  return {};
}

/** Text of a JSON box that does not parse yet; kept so that typing goes on. */
export class BrokenJson {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export function readJson(typed: string): unknown {
  if (typed.trim() === "") return undefined;
  try {
    return JSON.parse(typed) as unknown;
  } catch {
    return new BrokenJson(typed);
  }
}

export function asValues(value: unknown): Values {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Values) : {};
}
