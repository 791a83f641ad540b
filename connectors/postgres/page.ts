/** A page of records made ready for SQL: every value encoded, and what the table cannot take refused with its reason. */
import { type FailureInfo, IntegrationError } from "../sdk/errors.ts";
import type { JsonRecord, Operation } from "../sdk/types.ts";
import type { WriteRecord } from "../sdk/writing.ts";
import { readOnly, type Table } from "./catalog.ts";
import { filledByDatabase, matchMissing, unknownField, valueMissing, valueRefused } from "./reasons.ts";
import { Refusal } from "./refusal.ts";
import { type Place, placeOf } from "./sql.ts";

/** Records that carry the same fields, and no match twice. */
export type Group = {
  /** the written columns: match columns first, then the others */
  places: Place[];
  /** how many of `places` are match columns */
  matching: number;
  /** values[place][record], text as PostgreSQL reads it */
  values: (string | null)[][];
  /** indexes of the page's records in the order they are written in */
  rows: number[];
  /** what is sent is what the server stores, so it need not come back */
  exact: boolean;
  /** why a record that is not there cannot be created with these fields; null when it can */
  cannotCreate: FailureInfo | null;
};

export type PreparedPage = { groups: Group[]; failures: Map<number, FailureInfo> };

/** Raised when a page names a field the table lacks, so that the caller can look at the table anew first. */
export class UnknownField {
  readonly failure: IntegrationError;
  constructor(failure: IntegrationError) {
    this.failure = failure;
  }
}

type Shape = {
  key: string;
  names: string[];
  /** its records by wave */
  groups: Group[];
  /** values[place][record] */
  values: (string | null)[][];
  exact: boolean;
  places: Place[];
  matching: number;
  refused: FailureInfo | null;
  cannotCreate: FailureInfo | null;
};

/**
 * Sorts the records into groups and refuses those that cannot be written, each with its reason.
 *
 * @throws UnknownField when all records carry a field the table does not have, or a match field is none of the table's
 */
export function preparePage(
  connection: string,
  table: Table,
  operation: Operation,
  match: string[],
  records: WriteRecord[],
): PreparedPage {
  const matched = operation === "insert" ? [] : match;
  assertFields(connection, table, operation, matched, records);
  const failures = new Map<number, FailureInfo>();
  const shapes = new Map<string, Shape>();
  const groups: { wave: number; group: Group }[] = [];
  const waves = new Map<string, number>();
  let last: Shape | undefined;
  for (let index = 0; index < records.length; index++) {
    const { values } = records[index]!;
    if (!last || (operation !== "delete" && !sameNames(values, last.names))) {
      const names = operation === "delete" ? matched : Object.keys(values);
      const key = names.join("\0");
      last = shapes.get(key) ?? shapeOf(table, operation, matched, names, key, records.length);
      shapes.set(key, last);
    }
    const failure = last.refused ?? encodeRow(table, operation, last, values, index);
    if (failure) {
      failures.set(index, failure);
      continue;
    }
    // The second record with the same match waits for the first: it acts on what that one left.
    let wave = 0;
    if (last.matching > 0) {
      const found = matchText(last, index);
      wave = waves.get(found) ?? 0;
      waves.set(found, wave + 1);
    }
    let group: Group | undefined = last.groups[wave];
    if (!group) {
      const { places, matching, cannotCreate } = last;
      group = { places, matching, values: last.values, rows: [], cannotCreate, exact: false };
      last.groups[wave] = group;
      groups.push({ wave, group });
    }
    group.rows.push(index);
  }
  for (const shape of shapes.values()) for (const group of shape.groups) group.exact = shape.exact;
  const ordered = groups.sort((a, b) => a.wave - b.wave).map(({ group }) => group);
  // All writers change and create in the same order, so that two of them cannot wait for each other.
  if (matched.length > 0) for (const group of ordered) sortByMatch(group);
  return { groups: ordered, failures };
}

function sameNames(values: JsonRecord, names: string[]): boolean {
  let at = 0;
  for (const name in values) if (names[at++] !== name) return false;
  return at === names.length;
}

function sortByMatch(group: Group): void {
  const [first] = group.values;
  const rest = group.values.slice(1, group.matching);
  const order = (a: string | null | undefined, b: string | null | undefined) => (a! < b! ? -1 : a! > b! ? 1 : 0);
  group.rows.sort((a, b) => {
    let result = order(first![a], first![b]);
    for (let at = 0; result === 0 && at < rest.length; at++) result = order(rest[at]![a], rest[at]![b]);
    return result;
  });
}

function assertFields(
  connection: string,
  table: Table,
  operation: Operation,
  match: string[],
  records: WriteRecord[],
): void {
  const known = new Set(table.columns.map((column) => column.name));
  const gone = (field: string, role: string) =>
    new UnknownField(
      new IntegrationError(
        `“${connection}”: ${table.table} has no field “${field}”, which the step ${role}. It may have been renamed or dropped since; look at the step's fields and choose again.`,
        { kind: "settings", code: "field-missing", field },
      ),
    );
  for (const field of match) if (!known.has(field)) throw gone(field, "matches on");
  if (operation !== "insert" && match.length === 0)
    throw new IntegrationError(
      `“${connection}”: to ${operation} records of ${table.table}, the step must name the fields that find them.`,
      {
        kind: "settings",
        code: "match-required",
      },
    );
  if (operation === "delete" || records.length === 0) return;
  for (const field of Object.keys(records[0]!.values))
    if (!known.has(field) && records.every(({ values }) => values[field] !== undefined)) throw gone(field, "writes");
}

function shapeOf(
  table: Table,
  operation: Operation,
  match: string[],
  names: string[],
  key: string,
  count: number,
): Shape {
  const columns = new Map(table.columns.map((column) => [column.name, column]));
  const shape: Shape = {
    key,
    names,
    groups: [],
    values: [],
    exact: false,
    places: [],
    matching: match.length,
    refused: null,
    cannotCreate: null,
  };
  // Triggers change what is stored, and partitions may have some of their own.
  shape.exact = table.kind === "r" && !table.fills.insert && !table.fills.update;
  const missing = match.find((field) => !names.includes(field));
  if (missing !== undefined) shape.refused = matchMissing(table, missing);
  for (const field of [...match, ...names.filter((one) => !match.includes(one))]) {
    const column = columns.get(field);
    if (!column) {
      shape.refused ??= unknownField(table, field);
      continue;
    }
    if (readOnly(column)) {
      if (match.includes(field)) shape.cannotCreate ??= filledByDatabase(table, field);
      else shape.refused ??= filledByDatabase(table, field);
    }
    shape.places.push(placeOf(column));
    shape.values.push(new Array<string | null>(count).fill(null));
  }
  if (operation === "insert" || operation === "upsert") {
    const lacking = table.columns.find(
      (column) => column.notNull && !column.hasDefault && !readOnly(column) && !names.includes(column.name),
    );
    if (lacking && !table.fills.insert) shape.cannotCreate ??= valueMissing(table, lacking.name);
    if (operation === "insert" && shape.cannotCreate) shape.refused ??= shape.cannotCreate;
  }
  return shape;
}

/** Puts the record's texts into the shape's columns; gives the reason when one does not fit. */
function encodeRow(
  table: Table,
  operation: Operation,
  shape: Shape,
  values: JsonRecord,
  index: number,
): FailureInfo | undefined {
  const { places, matching } = shape;
  const { fills } = table;
  const mayFill = operation === "update" ? fills.update : fills.insert || (operation === "upsert" && fills.update);
  for (let at = 0; at < places.length; at++) {
    const { column, codec } = places[at]!;
    const value = values[column.name];
    if (value === null || value === undefined) {
      if (at < matching) return matchMissing(table, column.name);
      if (column.notNull && !mayFill) return valueMissing(table, column.name);
      continue;
    }
    const text = codec.encode(value);
    if (text instanceof Refusal) return valueRefused(table, column.name, text.reason);
    if (shape.exact && codec.exact !== true && (codec.exact === false || !codec.exact(text))) shape.exact = false;
    shape.values[at]![index] = text;
  }
  return undefined;
}

function matchText({ values, matching }: Shape, index: number): string {
  let text = values[0]![index]!;
  for (let at = 1; at < matching; at++) text += `\0${values[at]![index]}`;
  return text;
}
