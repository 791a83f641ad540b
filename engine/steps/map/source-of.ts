import type { MapStep } from "./schema.ts";

/** Functions that change how a value is written, not which one it is. */
const NORMALISING = new Set([
  "trim",
  "clean",
  "upper",
  "lower",
  "titleCase",
  "capitalize",
  "text",
  "number",
  "integer",
  "unaccent",
]);

/** The incoming field whose value, perhaps written another way, a map puts into `target`; undefined when there is none. */
export function sourceOf(step: MapStep, target: string): string | undefined {
  const rule = step.fields.find(({ to }) => to === target);
  if (rule?.from === undefined || rule.formula !== undefined) return undefined;
  const names = (rule.apply ?? []).map((entry) => (typeof entry === "string" ? entry : undefined));
  return names.every((name) => name !== undefined && NORMALISING.has(name)) ? rule.from : undefined;
}
