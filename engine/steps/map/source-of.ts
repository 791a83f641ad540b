import { readChainItem } from "../../mapping/chain.ts";
import { FormulaError } from "../../mapping/error.ts";
import type { ChainItem } from "../../mapping/field-mapping.ts";
import type { MapStep } from "./schema.ts";

/** Functions that change how a value is written, not which one it is. */
const NORMALISING = new Set([
  "TRIM",
  "CLEAN",
  "UPPER",
  "LOWER",
  "TITLECASE",
  "CAPITALIZE",
  "TEXT",
  "NUMBER",
  "INTEGER",
  "UNACCENT",
  "PADLEFT",
]);

/** The incoming field whose value, perhaps written another way, a map puts into `target`; undefined when there is none. */
export function sourceOf(step: MapStep, target: string): string | undefined {
  const rule = step.fields.find(({ to }) => to === target);
  if (rule?.from === undefined || rule.table !== undefined) return undefined;
  return (rule.apply ?? []).every(isNormalising) ? rule.from : undefined;
}

function isNormalising(item: ChainItem): boolean {
  try {
    return NORMALISING.has(readChainItem(item).definition.name);
  } catch (error) {
    if (error instanceof FormulaError) return false;
    throw error;
  }
}
