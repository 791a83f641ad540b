import type { MappingFunction, Parameter } from "./function.ts";
import { functions } from "./functions/registry.ts";
import { nearest } from "./nearest.ts";

const byChainName = new Map<string, MappingFunction>();
for (const definition of functions) {
  const { chain, chainAliases = [], parameters } = definition;
  if (chain === null || parameters.length === 0) continue;
  for (const name of [chainName(definition)!, ...chainAliases]) byChainName.set(name.toLowerCase(), definition);
}

/** A function's name in a chain, or undefined when it has no place there. */
export function chainName({ chain, name, parameters }: MappingFunction): string | undefined {
  return chain === null || parameters.length === 0 ? undefined : (chain ?? name.toLowerCase());
}

export function findChainFunction(name: string): MappingFunction | undefined {
  return byChainName.get(name.toLowerCase());
}

export function nearestChainName(name: string): string | undefined {
  const close = nearest(name, byChainName.keys());
  const definition = close === undefined ? undefined : byChainName.get(close);
  return definition && chainName(definition);
}

/** An entry of the function menu. The piped value is the first argument and not among `args`. */
export interface ChainMenuEntry {
  id: string;
  label: string;
  summary: string;
  category: string;
  /** type of value it takes */
  takes: Parameter["type"];
  args: {
    name: string;
    type: Parameter["type"];
    summary: string;
    optional: boolean;
    variadic: boolean;
    choices: readonly string[];
  }[];
}

/** Everything a chain can do, as plain data, by category and name. */
export function chainMenu(): ChainMenuEntry[] {
  const entries = functions.flatMap((definition): ChainMenuEntry[] => {
    const id = chainName(definition);
    if (id === undefined) return [];
    const [piped, ...rest] = definition.parameters;
    const more = piped!.variadic ? [{ ...piped!, optional: true }] : rest;
    const words = id.replace(/([a-z])([A-Z0-9])/g, "$1 $2").toLowerCase();
    return [
      {
        id,
        label: words.charAt(0).toUpperCase() + words.slice(1),
        summary: definition.summary,
        category: definition.category,
        takes: piped!.type,
        args: more.map(({ name, type, summary, optional = false, variadic = false, choices = [] }) => ({
          name,
          type,
          summary,
          optional,
          variadic,
          choices,
        })),
      },
    ];
  });
  return entries.sort((a, b) => a.category.localeCompare(b.category) || a.id.localeCompare(b.id));
}
