import { chainToFormula } from "./chain.ts";
import { type CompiledFormula, compileParsed, newScope } from "./compile-formula.ts";
import { FormulaError, MappingError } from "./error.ts";
import type { FieldMapping } from "./field-mapping.ts";
import { splitPath } from "./names.ts";
import { parseFormula } from "./parse.ts";
import {
  ANY,
  type Field,
  fieldOfType,
  type Json,
  type JsonRecord,
  type LookupTable,
  type MappingEnv,
  type MappingProblem,
} from "./types.ts";
import { type RecordValue, setField, toJson } from "./value.ts";

export interface MappingOptions {
  /** shape of the incoming records; undefined when unknown: then any field may be named and is looked for in each record */
  input?: readonly Field[] | undefined;
  /** tables that rules and LOOKUP name; those of the environment come on top */
  tables?: { [name: string]: LookupTable } | undefined;
}

export type MappingResult =
  | { ok: true; record: JsonRecord }
  /** `field` is the target field of the rule that failed */
  | { ok: false; field: string; code: string; message: string };

export interface CompiledMapping {
  /** empty when the mapping can be used */
  problems: MappingProblem[];
  /** target fields with their types as far as they are known, nested ones inside their record */
  output: Field[];
  /** source fields each rule reads, by its place in the mapping */
  reads: string[][];
  /** One record through all rules; never throws for what a record holds. A rule with a problem fails every record. */
  run(record: JsonRecord, env: MappingEnv): MappingResult;
}

interface Rule {
  to: string;
  path: string[];
  compiled: CompiledFormula;
}

/** Checks and compiles the rules of a map step. Never throws: what is wrong with a rule is in `problems`. */
export function compileMapping(fields: readonly FieldMapping[], options: MappingOptions = {}): CompiledMapping {
  const problems: MappingProblem[] = [];
  const rules = fields.map((field) => {
    const rule = compileRule(field, options);
    for (const { code, message, remedy, position } of rule.compiled.problems) {
      const place =
        field.formula !== undefined && !field.apply && field.table === undefined && field.whenEmpty === undefined
          ? { position }
          : {};
      problems.push({ to: field.to, code, message, remedy: remedy ?? "Correct the rule.", ...place });
    }
    return rule;
  });
  problems.push(...targetProblems(rules));
  return {
    problems,
    output: outputFields(rules),
    reads: rules.map((rule) => rule.compiled.reads),
    run: runner(rules, options.tables),
  };
}

function compileRule(field: FieldMapping, options: MappingOptions): Rule {
  const path = splitPath(field.to);
  const input = options.input;
  const tables = options.tables && Object.keys(options.tables);
  try {
    const whole = field.from !== undefined && input?.some((candidate) => candidate.name === field.from);
    const source = whole ? { ...field, from: `\`${field.from!.replaceAll("`", "``")}\`` } : field;
    const formula = chainToFormula(source);
    return { to: field.to, path, compiled: compileParsed(parseFormula(formula), formula, { input, tables }, true) };
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    const refuse = (): never => {
      throw new MappingError("invalid_mapping", error.message);
    };
    return {
      to: field.to,
      path,
      compiled: { problems: [error], type: ANY, reads: [], constant: undefined, run: refuse, evaluate: refuse },
    };
  }
}

/** Two rules may not set the same field, nor one a record that another sets a part of. */
function targetProblems(rules: readonly Rule[]): MappingProblem[] {
  const problems: MappingProblem[] = [];
  const seen = new Map<string, "field" | "record">();
  for (const { to, path } of rules) {
    for (let length = 1; length <= path.length; length += 1) {
      const key = JSON.stringify(path.slice(0, length));
      const kind = length === path.length ? "field" : "record";
      const before = seen.get(key);
      if (before === undefined) seen.set(key, kind);
      else if (before === "field" || kind === "field") {
        const message =
          before === kind
            ? `the field ${to} is set twice`
            : `the field ${path.slice(0, length).join(".")} is set as a whole and in part`;
        problems.push({ to, code: "duplicate_target", message, remedy: "Remove one of the rules." });
        break;
      }
    }
  }
  return problems;
}

function outputFields(rules: readonly Rule[]): Field[] {
  const fields: Field[] = [];
  for (const { path, compiled } of rules) {
    let level = fields;
    for (const name of path.slice(0, -1)) {
      let holder = level.find((field) => field.name === name);
      if (!holder) {
        holder = { name, type: "record", nullable: false, fields: [] };
        level.push(holder);
      }
      holder.fields ??= [];
      level = holder.fields;
    }
    const field = fieldOfType(path.at(-1)!, compiled.type);
    const known = level.findIndex((candidate) => candidate.name === field.name);
    if (known < 0) level.push(field);
  }
  return fields;
}

function runner(rules: readonly Rule[], tables: MappingOptions["tables"]): CompiledMapping["run"] {
  const runs = rules.map((rule) => rule.compiled.run);
  const names = rules.map((rule) => rule.path.at(-1)!);
  const holders = rules.map((rule) => (rule.path.length > 1 ? rule.path.slice(0, -1) : undefined));
  const withTables = environments(tables);
  return (record, env) => {
    const scope = newScope(record as RecordValue, withTables(env));
    const target: JsonRecord = {};
    let index = 0;
    try {
      for (; index < runs.length; index += 1) {
        const value = runs[index]!(scope);
        const holder = holders[index];
        const into = holder === undefined ? target : nested(target, holder);
        const name = names[index]!;
        const json = typeof value === "object" && value !== null ? toJson(value) : value;
        if (name === "__proto__") setField(into, name, json);
        else into[name] = json;
      }
    } catch (error) {
      const field = rules[index]!.to;
      if (error instanceof MappingError) return { ok: false, field, code: error.code, message: error.message };
      if (error instanceof RangeError)
        return {
          ok: false,
          field,
          code: "too_much_work",
          message: `the record is too deep or too large to map: ${error.message}`,
        };
      throw error;
    }
    return { ok: true, record: target };
  };
}

function nested(target: JsonRecord, path: readonly string[]): JsonRecord {
  let level = target;
  for (const name of path) {
    let next: Json | undefined = Object.hasOwn(level, name) ? level[name] : undefined;
    if (typeof next !== "object" || next === null || Array.isArray(next)) {
      next = {};
      setField<Json>(level, name, next);
    }
    level = next;
  }
  return level;
}

/** The environment with the mapping's own tables; made once per run, not per record. */
function environments(tables: MappingOptions["tables"]): (env: MappingEnv) => MappingEnv {
  if (!tables) return (env) => env;
  let given: MappingEnv | undefined;
  let made: MappingEnv | undefined;
  return (env) => {
    if (given !== env || !made) {
      given = env;
      made = { now: env.now, timeZone: env.timeZone, tables: { ...tables, ...env.tables } };
    }
    return made;
  };
}
