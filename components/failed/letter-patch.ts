/** Correcting a failed record: its fields as texts to edit, and what of them has changed. Pure. */
import type { Json, JsonRecord } from "../../connectors/sdk/types.ts";

export type Edit = { field: string; text: string /** nested values are edited as JSON */; json: boolean };

/** The record's fields as a form shows them; `wanted` is added when the record has no such field at all. */
export function editsOf(record: JsonRecord, wanted?: string): Edit[] {
  const names = Object.keys(record);
  if (wanted && !wanted.includes(".") && !names.includes(wanted)) names.push(wanted);
  return names.map((field) => ({ field, ...textOf(record[field]) }));
}

function textOf(value: Json | undefined): { text: string; json: boolean } {
  if (value === null || value === undefined) return { text: "", json: false };
  if (typeof value === "object") return { text: JSON.stringify(value, null, 2), json: true };
  return { text: String(value), json: false };
}

export type Patch = { patch: JsonRecord; problems: { [field: string]: string } };

/**
 * Only what was changed. A number stays a number when the new text is one, true and false stay that; an emptied field
 * becomes empty (null), and text typed into an empty field is text.
 */
export function patchOf(record: JsonRecord, edits: Edit[]): Patch {
  const patch: JsonRecord = {};
  const problems: { [field: string]: string } = {};
  for (const { field, text, json } of edits) {
    const old = record[field];
    if (text === textOf(old).text) continue;
    if (text === "") patch[field] = null;
    else if (json) {
      try {
        patch[field] = JSON.parse(text) as Json;
      } catch {
        problems[field] = "This is not JSON: check commas, quotes and brackets.";
      }
    } else patch[field] = sameKind(old, text);
  }
  return { patch, problems };
}

function sameKind(old: Json | undefined, text: string): Json {
  const number = Number(text);
  if (typeof old === "number" && text.trim() !== "" && Number.isFinite(number)) return number;
  if (typeof old === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}
