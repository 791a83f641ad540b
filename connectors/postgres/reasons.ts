/** Why a record is refused, in plain words. `write` and `foresee` take their words from here, so that they agree. */
import { type FailureInfo, quote } from "../sdk/errors.ts";
import type { Json, JsonRecord } from "../sdk/types.ts";
import type { Column, Table } from "./catalog.ts";
import type { ServerError } from "./errors.ts";

const rejected = (code: string, message: string, field?: string): FailureInfo =>
  field === undefined ? { kind: "rejected", code, message } : { kind: "rejected", code, message, field };

const fields = (names: string[]) =>
  `${names.length === 1 ? "Field" : "Fields"} ${names.map((one) => `“${one}”`).join(", ")}`;
const one = (names: string[]) => (names.length === 1 ? names[0] : undefined);

export const valueRefused = (table: Table, field: string, reason: string) =>
  rejected("value-refused", `Field “${field}” of ${table.table}: ${reason}.`, field);

export const unknownField = (table: Table, field: string) =>
  rejected(
    "field-unknown",
    `${table.table} has no field “${field}”. Leave it out in the mapping, or choose one of its fields.`,
    field,
  );

export const filledByDatabase = (table: Table, field: string) =>
  rejected(
    "field-read-only",
    `Field “${field}” of ${table.table} is filled by the database itself and cannot be written. Leave it out in the mapping.`,
    field,
  );

export const valueMissing = (table: Table, field: string) =>
  rejected(
    "value-missing",
    `Field “${field}” of ${table.table} is required, and the record has no value for it.`,
    field,
  );

export const matchMissing = (table: Table, field: string) =>
  rejected("match-missing", `Field “${field}” finds the record in ${table.table}, and here it has no value.`, field);

export const notFound = (table: Table, match: string[], values: JsonRecord) =>
  rejected("not-found", `${table.table} has no record with ${pairs(match, values)} to update.`, one(match));

export const ambiguous = (table: Table, match: string[], values: JsonRecord, count: number) =>
  rejected(
    "match-ambiguous",
    `${count} records of ${table.table} have ${pairs(match, values)}, so it is not clear which one is meant. Match on fields that are unique.`,
    one(match),
  );

export const ignoredByTrigger = (table: Table) =>
  rejected(
    "ignored-by-trigger",
    `${table.table} took the record and kept nothing of it: a trigger of the table drops it.`,
  );

export function uniqueTaken(table: Table, index: string, values: JsonRecord): FailureInfo {
  const columns = table.uniques.find((unique) => unique.name === index)?.columns;
  if (!columns) return rejected("not-unique", `Another record of ${table.table} is the same for the rule “${index}”.`);
  const known = columns.every((column) => values[column] !== undefined);
  const found = known ? `: ${pairs(columns, values)}` : "";
  return rejected(
    "not-unique",
    `${fields(columns)} of ${table.table} must be unique, and another record already has the same${found} (${index}). If that one is to change as well, try both again together.`,
    one(columns),
  );
}

export function referenceMissing(table: Table, constraint: string, values: JsonRecord): FailureInfo {
  const key = table.foreignKeys.find((foreign) => foreign.name === constraint);
  if (!key)
    return rejected(
      "reference-missing",
      `${table.table} refuses the record: what it refers to does not exist (${constraint}).`,
    );
  const found = key.columns.map((column, at) => `${key.refers[at]} ${quote(values[column] ?? null)}`).join(", ");
  const known = key.columns.every((column) => values[column] !== undefined);
  return rejected(
    "reference-missing",
    `${fields(key.columns)} of ${table.table}: ${key.table} has no record with ${known ? found : "such a key"} (${constraint}). Write that one first.`,
    one(key.columns),
  );
}

export function checkBroken(table: Table, constraint: string, values: JsonRecord): FailureInfo {
  const check = table.checks.find((rule) => rule.name === constraint);
  if (!check) return rejected("rule-broken", `${table.table} refuses the record by its rule ${constraint}.`);
  const columns = check.columns ?? [];
  const known = columns.length > 0 && columns.every((column) => values[column] !== undefined);
  const where = known ? `${fields(columns)} of ${table.table}` : table.table;
  const found = known ? `, found ${columns.length === 1 ? quote(values[columns[0]!]) : pairs(columns, values)}` : "";
  return rejected(
    "rule-broken",
    `${where}: expected ${inWords(check.sql)}${found} (rule ${constraint}).`,
    one(columns),
  );
}

/** A check's expression without the casts PostgreSQL adds; a plain list of values as that, anything else as SQL. */
export function inWords(sql: string): string {
  const plain = sql
    .replace(/::[a-z_]+( [a-z]+)*(\(\d+(,\d+)?\))?(\[\])?/g, "")
    .replace(/ = ANY \((?:\(ARRAY\[([^\]]*)\]\)|ARRAY\[([^\]]*)\])\)/g, (_, cast, bare) => ` IN (${cast ?? bare})`)
    .replace(/\((-?\d+(?:\.\d+)?)\)/g, "$1")
    .replace(/^\((.*)\)$/s, "$1")
    .replace(/^\((\w+)\) IN /, "$1 IN ");
  const [, values] = plain.match(/^"?\w+"? IN \(((?:'(?:[^']|'')*'(?:, )?)+)\)$/) ?? [];
  if (values === undefined) return plain;
  return `one of ${values.replace(/'((?:[^']|'')*)'/g, (_, value: string) => value.replaceAll("''", "'"))}`;
}

/** `written`: the columns the statement sends, among which the domain's column is looked for. */
export function domainBroken(table: Table, domain: string, constraint: string, written: Column[]): FailureInfo {
  const hit = written.filter((column) => column.domain?.checks.some((check) => check.name === constraint));
  const check = hit[0]?.domain?.checks.find((rule) => rule.name === constraint);
  const field = hit.length === 1 ? hit[0]!.name : undefined;
  const where = field === undefined ? table.table : `Field “${field}” of ${table.table}`;
  return rejected(
    "rule-broken",
    `${where}: the rule ${check?.sql ?? constraint} of type ${domain} does not hold.`,
    field,
  );
}

const pairs = (names: string[], values: { [name: string]: Json | undefined }) =>
  names.map((name) => `${name} ${quote(values[name] ?? null)}`).join(", ");

/** A record that cannot be deleted while records of another table refer to it. */
export function stillReferredTo(table: Table, other: string, constraint: string): FailureInfo {
  return rejected(
    "still-referred-to",
    `Records of ${other} still refer to this record of ${table.table} (${constraint}).`,
  );
}

/** The reason of a server's refusal of one record. */
export function refusalOf(table: Table, cause: unknown, values: JsonRecord, written: Column[]): FailureInfo {
  const error = cause as ServerError;
  const constraint = error.constraint ?? "";
  switch (error.code) {
    case "23505":
      if (error.table === undefined || error.table === table.table || table.kind === "p")
        return uniqueTaken(table, constraint, values);
      break;
    case "23503":
      if (table.foreignKeys.some((key) => key.name === constraint)) return referenceMissing(table, constraint, values);
      return stillReferredTo(table, error.table ?? "another table", constraint);
    case "23502":
      if (error.column && (error.table === undefined || error.table === table.table))
        return valueMissing(table, error.column);
      if (error.dataType) return rejected("value-missing", `${table.table}: type ${error.dataType} requires a value.`);
      break;
    case "23514":
      if (error.dataType) return domainBroken(table, domainName(table, error), constraint, written);
      if (constraint !== "") return checkBroken(table, constraint, values);
      return rejected(
        "rule-broken",
        `${table.table} refuses the record: ${error.message}${error.detail ? ` (${error.detail})` : ""}.`,
      );
    case "23P01":
      return rejected(
        "overlaps",
        `The record clashes with another one of ${table.table} (${constraint}). ${error.detail ?? ""}`.trim(),
      );
    case "P0001":
      return rejected("refused-by-trigger", `${table.table} refuses the record: ${sentence(error.message)}`);
  }
  const detail = error.detail ? ` ${sentence(error.detail)}` : "";
  const field = error.column && error.table === table.table ? error.column : undefined;
  return rejected("refused", `${table.table} refuses the record: ${sentence(error.message)}${detail}`, field);
}

const domainName = (table: Table, error: ServerError) =>
  table.columns.find((column) => column.domain?.checks.some((check) => check.name === error.constraint))?.domain
    ?.name ?? error.dataType!;

const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);
