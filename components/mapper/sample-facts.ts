/** What the sample values of a field say about it. */
import { splitPath } from "../../engine/mapping/names.ts";
import type { Json, JsonRecord } from "../../engine/mapping/types.ts";

export type SampleFacts = {
  /** share of samples in which it is empty, 0 to 1 */
  emptyShare: number;
  /** different ways in which a date is written; more than one deserves a warning */
  dateFormats: string[];
  /** decimal separators seen in texts that are numbers */
  separators: ("." | ",")[];
};

/** The value a path names in a record; undefined when it is not there. */
export function valueAt(record: JsonRecord, path: string): Json | undefined {
  if (Object.hasOwn(record, path)) return record[path];
  let value: Json | undefined = record;
  for (const part of splitPath(path)) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, part))
      return undefined;
    value = value[part];
  }
  return value;
}

export function sampleFacts(values: readonly (Json | undefined)[]): SampleFacts {
  const empty = values.filter(
    (value) => value === undefined || value === null || (typeof value === "string" && value.trim() === ""),
  );
  const texts = values.flatMap((value) => (typeof value === "string" && value.trim() !== "" ? [value.trim()] : []));
  const separators = new Set<"." | ",">();
  for (const text of texts) {
    if (/^-?\d+,\d+$/.test(text)) separators.add(",");
    else if (/^-?\d+\.\d+$/.test(text)) separators.add(".");
  }
  return {
    emptyShare: values.length === 0 ? 0 : empty.length / values.length,
    dateFormats: dateFormatsOf(texts),
    separators: [...separators].sort(),
  };
}

/** The formats of texts that all are dates; none when one of them is not. */
function dateFormatsOf(texts: readonly string[]): string[] {
  const found = new Set<string>();
  const slashed: [number, number][] = [];
  for (const text of texts) {
    const slash = /^(\d{1,2})\/(\d{1,2})\/\d{4}$/.exec(text);
    if (/^\d{4}-\d\d-\d\d$/.test(text)) found.add("yyyy-MM-dd");
    else if (/^\d{1,2}\.\d{1,2}\.\d{4}$/.test(text)) found.add("dd.MM.yyyy");
    else if (slash) slashed.push([Number(slash[1]), Number(slash[2])]);
    else return [];
  }
  // 11/23 can only be month and day; 23/11 only day and month; where nothing decides, month first.
  if (slashed.length > 0) found.add(slashed.some(([first]) => first > 12) ? "dd/MM/yyyy" : "MM/dd/yyyy");
  return [...found];
}
