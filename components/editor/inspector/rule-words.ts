/** Rules as people choose and read them: one kind of demand at a time, though a document may combine several. */
import type { Condition, Rule } from "../../../engine/steps/rules/schema.ts";
import { VALUE_KINDS } from "../../../engine/steps/rules/schema.ts";

export type RuleKind = "required" | "is" | "range" | "length" | "matches" | "oneOf" | "unique" | "formula";

export const ruleKinds: { value: RuleKind; label: string; hint: string }[] = [
  { value: "required", label: "is filled in", hint: "Must not be empty" },
  { value: "is", label: "is a kind of value", hint: "A number, an e-mail address, a date …" },
  { value: "range", label: "lies between", hint: "Numbers or dates" },
  { value: "length", label: "is so long", hint: "Characters, or items of a list" },
  { value: "oneOf", label: "is one of", hint: "The only values allowed" },
  { value: "matches", label: "matches a pattern", hint: "A regular expression" },
  { value: "unique", label: "is unique", hint: "No other record of the run has it" },
  { value: "formula", label: "keeps a formula", hint: "Must be TRUE for the record" },
];

export const kindOptions = VALUE_KINDS.map((kind) => ({ value: kind, label: kindWords(kind) }));

function kindWords(kind: (typeof VALUE_KINDS)[number]): string {
  const words: { [kind: string]: string } = {
    email: "e-mail address",
    url: "web address",
    phone: "phone number",
    uuid: "UUID",
    iban: "IBAN",
    json: "JSON",
    integer: "whole number",
    decimal: "decimal number",
    boolean: "true or false",
    datetime: "date and time",
    currency: "currency code",
    country: "country code",
  };
  return words[kind] ?? kind;
}

const ordered = new Set<string>(["number", "integer", "decimal", "date", "datetime", "time"]);

/** Whether a least and a most mean something: for numbers and times, and where a rule has one already. */
export function hasBounds({ is = "number", min, max }: Rule): boolean {
  return ordered.has(is) || min !== undefined || max !== undefined;
}

/** What kind of demand a rule mainly is. */
export function ruleKindOf(rule: Rule): RuleKind {
  if (rule.formula !== undefined) return "formula";
  if (rule.is !== undefined) return "is";
  if (rule.oneOf !== undefined) return "oneOf";
  if (rule.matches !== undefined) return "matches";
  if (rule.min !== undefined || rule.max !== undefined) return "range";
  if (rule.minLength !== undefined || rule.maxLength !== undefined) return "length";
  if (rule.unique) return "unique";
  return "required";
}

/** A rule of that kind on the same field, with what it needs to be valid. */
export function ruleOfKind(kind: RuleKind, { field, message, optional }: Rule): Rule {
  const base = {
    ...(field === undefined ? {} : { field }),
    ...(message === undefined ? {} : { message }),
    ...(optional && kind !== "required" ? { optional } : {}),
  };
  switch (kind) {
    case "required":
      return { ...base, required: true };
    case "is":
      return { ...base, is: "text" };
    case "range":
      return { ...base, is: "number", min: 0 };
    case "length":
      return { ...base, maxLength: 100 };
    case "oneOf":
      return { ...base, oneOf: [""] };
    case "matches":
      return { ...base, matches: ".+" };
    case "unique":
      return { ...base, unique: true };
    case "formula":
      return { ...(message === undefined ? {} : { message }), formula: "TRUE" };
  }
}

/** “12.5” is a number, “2026-11-23” a date as it stands, nothing is no bound. */
export function readBound(text: string): number | string | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  return /^-?\d{1,15}(\.\d{1,10})?$/.test(trimmed) ? Number(trimmed) : trimmed.slice(0, 64);
}

/** One value a line or between commas; numbers stay text, because a rule compares what is written. */
export function readValues(text: string): string[] {
  const values = text.split(/[\n,;]/).map((value) => value.trim());
  return values.length > 1 ? values.filter((value) => value !== "") : values;
}

/** Conditions of filter and branch know no uniqueness and no message. */
export function asCondition({ unique: _unique, message: _message, ...condition }: Rule): Condition {
  return condition;
}
