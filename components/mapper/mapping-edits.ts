/** Changes to the rules of a map step. Pure; each gives a list the schema accepts. */
import { chainToFormula, formulaToChain } from "../../engine/mapping/chain.ts";
import type { ChainItem, FieldMapping } from "../../engine/mapping/field-mapping.ts";
import type { Json } from "../../engine/mapping/types.ts";

export type Rules = readonly FieldMapping[];

export function ruleFor(rules: Rules, to: string): FieldMapping | undefined {
  return rules.find((rule) => rule.to === to);
}

/** Puts a rule in the place of the one for its target, or behind the others. */
export function setRule(rules: Rules, rule: FieldMapping): FieldMapping[] {
  const index = rules.findIndex(({ to }) => to === rule.to);
  return index < 0 ? [...rules, rule] : rules.with(index, rule);
}

export function removeRule(rules: Rules, to: string): FieldMapping[] {
  return rules.filter((rule) => rule.to !== to);
}

/** A line from a source field. The functions already on the target stay; a formula or fixed value gives way. */
export function connect(rules: Rules, from: string, to: string): FieldMapping[] {
  const { formula: _formula, value: _value, ...kept } = ruleFor(rules, to) ?? { to };
  return setRule(rules, { ...kept, to, from });
}

/** One function more at the end of the chain, or instead of the one at `index`. */
export function putFunction(rule: FieldMapping, item: ChainItem, index?: number): FieldMapping {
  const apply = rule.apply ?? [];
  return { ...rule, apply: index === undefined ? [...apply, item] : apply.with(index, item) };
}

export function removeFunction(rule: FieldMapping, index: number): FieldMapping {
  const { apply: _, ...rest } = rule;
  const apply = (rule.apply ?? []).filter((_item, place) => place !== index);
  return apply.length === 0 ? rest : { ...rest, apply };
}

/** The function one place to the left (-1) or right (1). */
export function moveFunction(rule: FieldMapping, index: number, by: -1 | 1): FieldMapping {
  const apply = [...(rule.apply ?? [])];
  const other = index + by;
  if (other < 0 || other >= apply.length) return rule;
  [apply[index], apply[other]] = [apply[other]!, apply[index]!];
  return { ...rule, apply };
}

/** A function of a chain by its parts, however it was written; one whose text holds its arguments keeps them there. */
export function partsOf(item: ChainItem): { fn: string; args: Json[] } {
  if (typeof item === "string") return { fn: item, args: [] };
  if ("fn" in item && typeof item.fn === "string")
    return { fn: item.fn, args: (item.args as Json[] | undefined) ?? [] };
  const [[fn, args]] = Object.entries(item) as [[string, Json]];
  return { fn, args: Array.isArray(args) ? args : [args] };
}

export function itemOf(fn: string, args: readonly Json[]): ChainItem {
  return args.length === 0 ? fn : { fn, args: [...args] };
}

/** The rule as a formula of the same meaning; the rule itself when a function in it is not known. */
export function asFormula(rule: FieldMapping): FieldMapping {
  try {
    return { to: rule.to, formula: chainToFormula(rule) };
  } catch {
    return rule;
  }
}

/** The rule as a line with functions; undefined when its formula is more than that. */
export function asChain(rule: FieldMapping): FieldMapping | undefined {
  if (rule.formula === undefined) return undefined;
  const chain = formulaToChain(rule.formula);
  if (!chain || (chain.from === undefined && rule.apply)) return undefined;
  const { formula: _, ...rest } = rule;
  const apply = [...(chain.apply ?? []), ...(rule.apply ?? [])];
  return { ...rest, ...chain, ...(apply.length > 0 ? { apply } : {}) };
}

/** Pairs of a small table as the document holds them; pairs without a left side do not count. */
export function tableOf(pairs: readonly { from: string; to: string }[]): { [from: string]: string } | undefined {
  const entries = pairs.filter(({ from }) => from !== "").map(({ from, to }): [string, string] => [from, to]);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** What was typed as a fixed value, in the type of its target: a number where one is wanted and written, else text. */
export function readFixed(text: string, type: string): Json {
  if (type === "boolean" && /^(true|false)$/i.test(text.trim())) return text.trim().toLowerCase() === "true";
  const numeric = type === "integer" || type === "decimal";
  if (numeric && /^-?\d{1,15}(\.\d{1,6})?$/.test(text.trim())) return Number(text);
  return text;
}
