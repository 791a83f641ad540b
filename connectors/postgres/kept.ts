/**
 * Values as the ledger keeps them. What records hold is enough for people and mappings, but a JSON column can hold what no
 * record can: JSON's own null beside none at all, and numbers of more digits than a number here has. Put back from the record's
 * value they would come out as something else, so the ledger keeps such a value as its text: `{ "$json": "…" }`.
 */
import { isRecord, parseJson } from "../sdk/json.ts";
import type { Json } from "../sdk/types.ts";
import type { Codec } from "./codec.ts";
import type { Refusal } from "./refusal.ts";

const TEXT = "$json";

/** The value of a stored text, for a before-image. */
export function keptValue(codec: Codec, raw: string): Json {
  if (codec.type !== "json") return codec.decode(raw);
  const value = parseJson(raw);
  return value === null || isKeptText(value) || /\d{16}|\d[\d.]{16}|\d[eE][+-]?\d{3}/.test(raw)
    ? { [TEXT]: raw }
    : value;
}

/** The text that stores a value of a before-image again. */
export function keptText(codec: Codec, value: NonNullable<Json>): string | Refusal {
  if (codec.type !== "json" || !isKeptText(value)) return codec.encode(value);
  const text = (value as { [name: string]: Json })[TEXT] as string;
  return text;
}

const isKeptText = (value: Json) =>
  isRecord(value) && Object.keys(value).length === 1 && typeof value[TEXT] === "string";
