/** Groups of records and what is computed of each, one record at a time. */
import type { FailureInfo } from "../../../connectors/sdk/errors.ts";
import type { Field, Json, JsonRecord } from "../../../connectors/sdk/types.ts";
import { compareValues } from "../../mapping/compare.ts";
import { type CompiledMapping, compileMapping } from "../../mapping/compile-mapping.ts";
import { add, collectNumbers, parseNumeric } from "../../mapping/number.ts";
import type { MappingEnv } from "../../mapping/types.ts";
import { type Num, toJson, type Value } from "../../mapping/value.ts";
import type { Shape } from "../define-step.ts";
import { isEmpty, joinKey, keyText, type Reader, readerOf } from "../field-access.ts";
import { type Setter, setterOf } from "../lay-fields.ts";
import { findField } from "../shape.ts";
import { atField, formulaFailure, sentence } from "../words.ts";
import type { CollectField, CollectStep, Take } from "./schema.ts";

/** Records of one group that a list or a formula may see: they are in memory together. */
export const MOST_ITEMS = 50_000;

export type GroupResult = { ok: true; record: JsonRecord } | { ok: false; failure: FailureInfo };

/** A group being made. Memory grows with its records only where a list or a formula needs them all. */
export type Group = {
  add(record: JsonRecord): void;
  result(): GroupResult;
};

export type Grouping = {
  /** the same for records of one group */
  keyOf(record: JsonRecord): string;
  /** how the group is called on screens and in the ledger */
  labelOf(key: string): string;
  start(env: MappingEnv): Group;
};

export function compileGrouping(step: CollectStep, input: Shape): Grouping {
  const by = step.by.map((path) => ({ read: readerOf(path), set: setterOf(path) }));
  const makers = step.fields.map((field) => makerOf(field, input));
  const formulas = compileFormulas(step, input);
  return {
    keyOf: (record) => JSON.stringify(by.map(({ read }) => read(record) ?? null)),
    labelOf(key) {
      const values = JSON.parse(key) as Json[];
      return values.length === 0
        ? "all records"
        : joinKey(values.map((value) => (value === null ? "" : keyText(value))));
    },
    start: (env) => new OpenGroup(step, by, makers, formulas, env),
  };
}

/** The formulas of a step see the fields it groups by and the list `items`. */
export function compileFormulas({ by, fields }: CollectStep, input: Shape): CompiledMapping | undefined {
  const rules = fields.flatMap(({ to, formula }) => (formula === undefined ? [] : [{ to, formula }]));
  if (rules.length === 0) return undefined;
  const named = by.map((path): Field => {
    const found = findField(input, path);
    return found.state === "known" ? { ...found.field, name: path } : { name: path, type: "any", nullable: true };
  });
  const items: Field = { name: "items", type: "list", nullable: false, fields: input.fields };
  return compileMapping(rules, { input: input.open ? undefined : [...named, items] });
}

type Maker = { to: string; set: Setter; start(env: MappingEnv): Running } | undefined;
type Running = { add(record: JsonRecord): void; value(): Json };

class OpenGroup implements Group {
  readonly #step: CollectStep;
  readonly #by: { read: Reader; set: Setter }[];
  readonly #running: ({ to: string; set: Setter } & Running)[];
  readonly #formulas: CompiledMapping | undefined;
  readonly #env: MappingEnv;
  readonly #items: JsonRecord[] = [];
  #first: JsonRecord | undefined;
  #count = 0;
  #failure: FailureInfo | undefined;

  constructor(
    step: CollectStep,
    by: { read: Reader; set: Setter }[],
    makers: Maker[],
    formulas: CompiledMapping | undefined,
    env: MappingEnv,
  ) {
    this.#step = step;
    this.#by = by;
    this.#running = makers.flatMap((maker) => (maker ? [{ to: maker.to, set: maker.set, ...maker.start(env) }] : []));
    this.#formulas = formulas;
    this.#env = env;
  }

  add(record: JsonRecord): void {
    this.#first ??= record;
    this.#count += 1;
    if (this.#failure) return;
    const holdsAll = this.#formulas !== undefined || this.#step.fields.some(({ take }) => take === "list");
    if (holdsAll && this.#count > MOST_ITEMS) {
      this.#failure = tooMany(this.#step);
      this.#items.length = 0;
      return;
    }
    if (this.#formulas) this.#items.push(record);
    for (const { to, add } of this.#running) {
      try {
        add(record);
      } catch (error) {
        this.#failure = formulaFailure(this.#step, error, to);
        return;
      }
    }
  }

  result(): GroupResult {
    if (this.#failure) return { ok: false, failure: this.#failure };
    const record: JsonRecord = {};
    const known: JsonRecord = {};
    for (const [at, { read, set }] of this.#by.entries()) {
      const value = (this.#first && read(this.#first)) ?? null;
      set(record, value);
      known[this.#step.by[at]!] = value;
    }
    for (const { set, value } of this.#running) set(record, value());
    if (!this.#formulas) return { ok: true, record };
    const made = this.#formulas.run({ ...known, items: this.#items }, this.#env);
    if (made.ok) return { ok: true, record: merged(record, made.record) };
    const message = `${atField(this.#step, made.field)}: ${sentence(made.message)}`;
    const code = made.code.replaceAll("_", "-");
    return { ok: false, failure: { kind: "rejected", code, message, field: made.field } };
  }
}

/** Lays `over` onto `under`, into records that both have. */
function merged(under: JsonRecord, over: JsonRecord): JsonRecord {
  const both = { ...under };
  for (const [name, value] of Object.entries(over)) {
    const there = Object.hasOwn(both, name) ? both[name] : undefined;
    const nested = isPlain(there) && isPlain(value);
    both[name] = nested ? merged(there, value) : value;
  }
  return both;
}

const isPlain = (value: Json | undefined): value is JsonRecord =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function makerOf({ to, take, from }: CollectField, input: Shape): Maker {
  if (take === undefined) return undefined;
  const read = from === undefined ? undefined : valueReader(from, input);
  return { to, set: setterOf(to), start: (env) => STARTS[take](read, env) };
}

/** Numbers that travel as digit text are numbers here, where the field is declared as one. */
function valueReader(path: string, input: Shape): (record: JsonRecord) => Value {
  const read = readerOf(path);
  const found = findField(input, path);
  const numeric = found.state === "known" && (found.field.type === "integer" || found.field.type === "decimal");
  return (record) => {
    const value = read(record) ?? null;
    return numeric && typeof value === "string" ? (parseNumeric(value) ?? value) : (value as Value);
  };
}

type ValueReader = ((record: JsonRecord) => Value) | undefined;

const STARTS: { [T in Take]: (read: ValueReader, env: MappingEnv) => Running } = {
  first: (read) => one(read, (known) => !known),
  last: (read) => one(read, () => true),
  count: (read) => {
    let count = 0;
    return {
      add(record) {
        if (!read || !isEmpty(read(record) as Json)) count += 1;
      },
      value: () => count,
    };
  },
  sum: (read) => {
    let sum: Num = 0;
    return {
      add(record) {
        for (const number of collectNumbers([emptyAsNull(read!(record))])) sum = add(sum, number);
      },
      value: () => toJson(sum),
    };
  },
  min: (read, env) => extreme(read, (next, known) => compareValues(next, known, env) < 0),
  max: (read, env) => extreme(read, (next, known) => compareValues(next, known, env) > 0),
  list: (read) => {
    const values: Json[] = [];
    return { add: (record) => void values.push(toJson(read!(record))), value: () => values };
  },
};

const emptyAsNull = (value: Value): Value => (isEmpty(value as Json) ? null : value);

function one(read: ValueReader, takes: (known: boolean) => boolean): Running {
  let known = false;
  let value: Json = null;
  return {
    add(record) {
      if (takes(known)) value = toJson(read!(record));
      known = true;
    },
    value: () => value,
  };
}

/** Empty values are skipped; null when there are no others. */
function extreme(read: ValueReader, better: (next: Value, known: Value) => boolean): Running {
  let found: Value = null;
  return {
    add(record) {
      const next = emptyAsNull(read!(record));
      if (next !== null && (found === null || better(next, found))) found = next;
    },
    value: () => toJson(found),
  };
}

function tooMany(step: CollectStep): FailureInfo {
  const message = `${atField(step, "fields")}: a list or a formula sees all records of a group, and this group has more than ${MOST_ITEMS.toLocaleString("en")}. Group by more fields, or take sum, count, min or max instead.`;
  return { kind: "rejected", code: "collect-too-many", message };
}
