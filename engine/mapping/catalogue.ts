import { type ChainMenuEntry, chainMenu, chainName } from "./chain-functions.ts";
import type { Category, Example, Parameter } from "./function.ts";
import { functions } from "./functions/registry.ts";

/** A function as plain data, for menus and help. */
export interface CatalogueEntry {
  /** name in formulas */
  name: string;
  aliases: readonly string[];
  /** name in chains, null when it has none */
  chain: string | null;
  category: Category;
  summary: string;
  /** such as `ROUND(number, [digits])` */
  signature: string;
  parameters: readonly Parameter[];
  /** type of the result, "any" when it depends on the arguments */
  returns: string;
  examples: readonly Example[];
}

const CATEGORIES: { id: Category; label: string }[] = [
  { id: "text", label: "Text" },
  { id: "number", label: "Number" },
  { id: "date", label: "Date and time" },
  { id: "logic", label: "Logic" },
  { id: "list", label: "List" },
  { id: "lookup", label: "Look up" },
  { id: "convert", label: "Convert" },
];

/** Every function there is, as plain data, by name. */
export const functionCatalogue: readonly CatalogueEntry[] = functions
  .map((definition) => ({
    name: definition.name,
    aliases: definition.aliases ?? [],
    chain: chainName(definition) ?? null,
    category: definition.category,
    summary: definition.summary,
    signature: `${definition.name}(${definition.parameters.map(writeParameter).join(", ")})`,
    parameters: definition.parameters,
    returns: typeof definition.returns === "string" ? definition.returns : "any",
    examples: definition.examples,
  }))
  .sort((a, b) => (a.name < b.name ? -1 : 1));

function writeParameter({ name, optional, variadic }: Parameter): string {
  return `${optional ? `[${name}]` : name}${variadic ? ", …" : ""}`;
}

const OPERATORS: { operator: string; summary: string }[] = [
  { operator: "+ - * / ^", summary: "exact arithmetic; a date plus or minus days; dates minus dates in days" },
  { operator: "%", summary: "hundredths, behind a number: 19%" },
  { operator: "&", summary: "joins texts; empty joins as empty text" },
  { operator: "= <>", summary: "equal, not equal; texts without regard to case, empty equals empty text" },
  { operator: "< <= > >=", summary: "order of numbers, texts or dates; types do not mix" },
];

const FORMS: { name: string; signature: string; summary: string }[] = [
  { name: "LET", signature: "LET(name, value, …, result)", summary: "Names values for use in the result." },
  {
    name: "LAMBDA",
    signature: "LAMBDA(name, …, result)",
    summary: "A calculation handed to MAP, FILTER, SORTBY and others.",
  },
];

/** All an editor shows about formulas, as plain data. */
export function formulaHelp(): {
  categories: { id: Category; label: string }[];
  functions: readonly CatalogueEntry[];
  operators: { operator: string; summary: string }[];
  forms: { name: string; signature: string; summary: string }[];
  chain: ChainMenuEntry[];
} {
  return {
    categories: CATEGORIES,
    functions: functionCatalogue,
    operators: OPERATORS,
    forms: FORMS,
    chain: chainMenu(),
  };
}
