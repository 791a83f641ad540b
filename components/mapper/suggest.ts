/** What probably belongs together, and what mends a type that does not fit. Suggestions only: a person takes them. */
import type { Field } from "../../connectors/sdk/types.ts";
import type { ChainItem, FieldMapping } from "../../engine/mapping/field-mapping.ts";
import { misfit } from "../../engine/steps/write/fits.ts";
import type { SampleFacts } from "./sample-facts.ts";

export type Named = { path: string; field: Pick<Field, "name" | "type"> };

/** Words of one meaning in many systems; compared by their first. */
const synonyms = [
  ["number", "no", "nr", "num", "code"],
  ["customer", "client", "party", "buyer"],
  ["amount", "total", "net", "sum", "gross"],
  ["date", "on", "at", "issued", "ordered", "created", "placed"],
  ["mail", "email"],
  ["zip", "postcode", "postal"],
  ["phone", "telephone", "tel", "mobile"],
];
const noise = new Set(["name", "id", "field", "order", "invoice", "e", "is", "the"]);

function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);
}

const meaning = (word: string) => synonyms.find((group) => group.includes(word))?.[0] ?? word;

/** How well two names fit: 3 the same, 2 the same words, 1 a word of meaning in common, 0 not at all. */
export function nameFit(a: string, b: string): 0 | 1 | 2 | 3 {
  const [left, right] = [wordsOf(a), wordsOf(b)];
  if (left.join("") === right.join("")) return 3;
  const [one, other] = [left.map(meaning), right.map(meaning)];
  if ([...one].sort().join(" ") === [...other].sort().join(" ")) return 2;
  const telling = one.filter((word) => !noise.has(word));
  return telling.some((word) => other.includes(word) && !noise.has(word)) ? 1 : 0;
}

/** Pairs of free source and unmapped target, the best first; each field is used once. */
export function suggestByName(
  sources: readonly Named[],
  targets: readonly Named[],
  rules: readonly FieldMapping[],
): { from: string; to: string }[] {
  const mapped = new Set(rules.map(({ to }) => to));
  const used = new Set(rules.flatMap(({ from }) => (from === undefined ? [] : [from])));
  const pairs = targets
    .filter(({ path }) => !mapped.has(path))
    .flatMap((target) =>
      sources.flatMap((source) => {
        const fit = nameFit(source.path, target.path);
        if (fit === 0) return [];
        const sameType = source.field.type === target.field.type ? 0.5 : target.field.type === "text" ? 0.25 : 0;
        return [{ from: source.path, to: target.path, fit: fit + sameType - (used.has(source.path) ? 2 : 0) }];
      }),
    )
    .filter(({ fit }) => fit >= 1)
    .sort((a, b) => b.fit - a.fit);
  const taken = new Set<string>();
  const given = new Set<string>();
  const chosen = pairs.filter(({ from, to }) => {
    if (taken.has(from) || given.has(to)) return false;
    taken.add(from);
    given.add(to);
    return true;
  });
  return chosen.map(({ from, to }) => ({ from, to }));
}

/** A fixed value the target itself names as the only one. */
export function suggestFixed(target: Pick<Field, "options">): string | undefined {
  return target.options?.length === 1 ? target.options[0] : undefined;
}

/**
 * Functions that make a source fit its target, judged by the samples: undefined when nothing is wrong with the type or no
 * function is known to help.
 */
export function suggestFix(source: Field, target: Field, facts: SampleFacts | undefined): ChainItem[] | undefined {
  if (!misfit(source, target)) return undefined;
  switch (target.type) {
    case "decimal":
      if (source.type !== "text") return ["number"];
      if (facts?.separators.length === 2) return [{ fn: "replace", args: [",", "."] }, "number"];
      return facts?.separators[0] === "," ? [{ fn: "number", args: [","] }] : ["number"];
    case "integer":
      return source.type === "decimal" ? ["round"] : ["integer"];
    case "date":
      if (source.type === "datetime") return ["date"];
      if (source.type !== "text") return undefined;
      return [{ fn: "parseDate", args: [formatOf(facts)] }];
    case "datetime":
      return source.type === "date"
        ? ["dateTime"]
        : source.type === "text"
          ? [{ fn: "parseDate", args: [formatOf(facts)] }]
          : undefined;
    case "boolean":
      return ["boolean"];
    case "text":
      return source.type === "list" ? ["join"] : ["toJson"];
    default:
      return undefined;
  }
}

function formatOf(facts: SampleFacts | undefined): string | string[] {
  const formats = facts?.dateFormats ?? [];
  return formats.length > 1 ? formats : (formats[0] ?? "yyyy-MM-dd");
}
