/**
 * A form as a tree, read from the JSON Schema (draft 2020-12) of a connector's settings or credentials. Pure: which
 * control stands where, what a new value is, what is missing. What a form cannot draw becomes a JSON box.
 */

export type Schema = { [keyword: string]: unknown };
type Common = { title: string; hint?: string; optional: boolean };
export type FormNode = Common &
  (
    | { kind: "text"; secret: boolean; long: boolean; url: boolean; default?: string }
    | { kind: "number"; integer: boolean; min?: number; max?: number; default?: number }
    | { kind: "toggle"; default?: boolean }
    | { kind: "choice"; options: { value: string; label: string }[]; default?: string }
    | { kind: "group"; fields: FormField[] }
    | {
        kind: "variants";
        by: string;
        variants: { value: string; title: string; fields: FormField[] }[];
        default?: string;
      }
    | { kind: "words"; default?: string[] }
    | { kind: "list"; item: FormNode & { kind: "group" } }
    | { kind: "pairs" }
    | { kind: "json" }
  );
export type FormField = { name: string; node: FormNode };

/** Longest nesting that is drawn; a schema that refers to itself ends in a JSON box. */
const deepest = 8;

/** The form of an object schema. */
export function readForm(schema: unknown): FormField[] {
  return fieldsOf(asSchema(schema), asSchema(schema), 0);
}

function asSchema(schema: unknown): Schema {
  return typeof schema === "object" && schema !== null ? (schema as Schema) : {};
}

function fieldsOf(schema: Schema, root: Schema, depth: number, without?: string): FormField[] {
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  return Object.entries(asSchema(schema.properties))
    .filter(([name]) => name !== without)
    .map(([name, part]) => ({ name, node: readNode(asSchema(part), root, depth + 1, name, required.has(name)) }));
}

function readNode(given: Schema, root: Schema, depth: number, name: string, required: boolean): FormNode {
  const schema = { ...resolve(given, root), ...given };
  const has = (value: unknown) => value !== undefined;
  const common: Common = {
    title: typeof schema.title === "string" ? schema.title : spoken(name),
    hint: typeof schema.description === "string" ? schema.description : undefined,
    optional: !required || has(schema.default),
  };
  const options = schema.enum;
  if (Array.isArray(options) && options.every((option) => typeof option === "string")) {
    return {
      ...common,
      kind: "choice",
      options: options.map((value) => ({ value, label: spoken(value) })),
      default: text(schema.default),
    };
  }
  const variants = variantsOf(schema, root, depth);
  if (variants) {
    const chosen = asSchema(schema.default)[variants.by];
    return { ...common, kind: "variants", ...variants, default: text(chosen) };
  }
  if (schema.type === "string") {
    const secret = schema.secret === true || schema.writeOnly === true || schema.format === "password";
    return {
      ...common,
      kind: "text",
      secret,
      long: schema.multiline === true,
      url: schema.format === "uri",
      default: text(schema.default),
    };
  }
  if (schema.type === "integer" || schema.type === "number") {
    const bound = (value: unknown) =>
      typeof value === "number" && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : undefined;
    return {
      ...common,
      kind: "number",
      integer: schema.type === "integer",
      min: bound(schema.minimum),
      max: bound(schema.maximum),
      default: bound(schema.default),
    };
  }
  if (schema.type === "boolean") return { ...common, kind: "toggle", default: schema.default === true };
  if (depth >= deepest) return { ...common, kind: "json" };
  if (schema.type === "array") return arrayNode(schema, root, depth, common);
  if (schema.type === "object") {
    if (schema.properties) return { ...common, kind: "group", fields: fieldsOf(schema, root, depth) };
    const values = resolve(asSchema(schema.additionalProperties), root);
    if (values.type === "string") return { ...common, kind: "pairs" };
  }
  return { ...common, kind: "json" };
}

function arrayNode(schema: Schema, root: Schema, depth: number, common: Common): FormNode {
  const item = resolve(asSchema(schema.items), root);
  if (item.type === "string" && !item.enum) {
    return {
      ...common,
      kind: "words",
      default: Array.isArray(schema.default) ? schema.default.map(String) : undefined,
    };
  }
  const node = readNode(item, root, depth + 1, common.title, true);
  return node.kind === "group" ? { ...common, kind: "list", item: node } : { ...common, kind: "json" };
}

/** The variants of a union of objects told apart by one constant field; null for anything else. */
function variantsOf(schema: Schema, root: Schema, depth: number) {
  const members = schema.oneOf ?? schema.anyOf;
  if (!Array.isArray(members) || depth >= deepest) return null;
  const parts = members.map((member) => resolve(asSchema(member), root));
  const first = asSchema(parts[0]?.properties);
  const by = Object.keys(first).find((name) => typeof asSchema(first[name]).const === "string");
  if (!by) return null;
  const variants = parts.map((part) => {
    const tag = asSchema(asSchema(part.properties)[by]);
    const value = String(tag.const ?? "");
    return {
      value,
      title: typeof tag.title === "string" ? tag.title : spoken(value),
      fields: fieldsOf(part, root, depth, by),
    };
  });
  return variants.every(({ value }) => value !== "") ? { by, variants } : null;
}

function resolve(schema: Schema, root: Schema): Schema {
  const path = typeof schema.$ref === "string" ? schema.$ref : null;
  if (!path?.startsWith("#/")) return schema;
  return path
    .slice(2)
    .split("/")
    .reduce((at, part) => asSchema(at[part]), root);
}

const text = (value: unknown) => (typeof value === "string" ? value : undefined);

/** “clientSecret” → “Client secret”. */
function spoken(name: string): string {
  const words = name
    .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
    .replaceAll(/[_-]+/g, " ")
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
