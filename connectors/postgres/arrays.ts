/** PostgreSQL's text form of arrays. Source: PostgreSQL manual, “Array Input and Output Syntax”. */

import type { Json } from "../sdk/types.ts";
import { Refusal } from "./refusal.ts";

/** One element as it stands between the quotes of an array literal. */
export function escaped(text: string): string {
  return /["\\]/.test(text) ? text.replace(/["\\]/g, "\\$&") : text;
}

type Written = string | null | Refusal | Written[];

/** Writes a list, inner lists as further dimensions (unless `flat`), each scalar by `write`. */
export function arrayLiteral(list: Json[], write: (value: Json) => Written, flat: boolean): string | Refusal {
  const parts: string[] = [];
  const lengths = new Set<number>();
  for (const value of list) {
    if (!flat && Array.isArray(value)) {
      lengths.add(value.length);
      const inner = arrayLiteral(value, write, flat);
      if (typeof inner !== "string") return inner;
      parts.push(inner);
      continue;
    }
    lengths.add(-1);
    const written = write(value);
    if (written instanceof Refusal) return new Refusal(`in the list: ${written.reason}`);
    parts.push(written === null ? "NULL" : `"${escaped(written as string)}"`);
  }
  if (lengths.size > 1) return new Refusal("expected lists of equal length inside the list");
  return `{${parts.join(",")}}`;
}

/** Reads an array; bounds written in front (`[0:2]={…}`) are dropped. */
export function parseArray(raw: string, decode: (text: string) => Json): Json[] {
  let at = raw.indexOf("{");
  const list = (): Json[] => {
    const items: Json[] = [];
    at++;
    while (raw[at] !== "}") {
      if (raw[at] === ",") at++;
      else if (raw[at] === "{") items.push(list());
      else items.push(item());
    }
    at++;
    return items;
  };
  const item = (): Json => {
    if (raw[at] !== '"') {
      const from = at;
      while (raw[at] !== "," && raw[at] !== "}") at++;
      const text = raw.slice(from, at);
      return text === "NULL" ? null : decode(text);
    }
    let text = "";
    for (at++; raw[at] !== '"'; at++) {
      if (raw[at] === "\\") at++;
      text += raw[at];
    }
    at++;
    return decode(text);
  };
  return at < 0 ? [] : list();
}
