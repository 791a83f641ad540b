import { keyOf } from "./compare.ts";
import { fail } from "./error.ts";
import type { ConstantProblem } from "./function.ts";
import { nearest } from "./nearest.ts";
import { numberToText } from "./number.ts";
import type { MappingEnv } from "./types.ts";
import { describeValue, isNumber, isRecord, quote, type Value } from "./value.ts";

/** Tables are read once: they live as long as the object that holds them. */
const read = new WeakMap<object, Map<string, Value>>();

function entriesOf(table: Value): [Value, Value][] | undefined {
  if (Array.isArray(table)) {
    const pairs = table.filter((pair): pair is [Value, Value] => Array.isArray(pair) && pair.length === 2);
    return pairs.length === table.length ? pairs : undefined;
  }
  return isRecord(table) ? Object.entries(table) : undefined;
}

/** Numbers and booleans find their text, since the keys of a record are texts. */
function tableKey(value: Value): string {
  return keyOf(
    isNumber(value) ? numberToText(value) : typeof value === "boolean" ? String(value).toUpperCase() : value,
  );
}

function contents(table: Value, env: MappingEnv): Map<string, Value> {
  const given = typeof table === "string" ? env.tables?.[table] : table;
  if (given === undefined || typeof given !== "object" || given === null) {
    const close = typeof table === "string" ? nearest(table, Object.keys(env.tables ?? {})) : undefined;
    const found =
      typeof table === "string"
        ? `${quote(table)}, which does not exist${close ? `; did you mean "${close}"?` : ""}`
        : describeValue(table);
    return fail("bad_value", `expected the name of a table, a record or a list of pairs, found ${found}`, 1);
  }
  const known = read.get(given);
  if (known) return known;
  const entries = entriesOf(given);
  if (!entries) return fail("bad_value", 'expected a list of pairs, such as [["Germany", "DE"]]', 1);
  const map = new Map<string, Value>();
  for (const [from, to] of entries) if (!map.has(tableKey(from))) map.set(tableKey(from), to);
  read.set(given, map);
  return map;
}

/** What a table says for a value (blanks around a text do not count), or undefined. */
export function findInTable(value: Value, table: Value, env: MappingEnv): Value | undefined {
  return contents(table, env).get(tableKey(typeof value === "string" ? value.trim() : value));
}

export function tableProblem(table: Value | undefined, argument: number): ConstantProblem | undefined {
  if (table === undefined || typeof table === "string" || entriesOf(table) !== undefined) return undefined;
  return {
    argument,
    message: `expected the name of a table, a record or a list of pairs, found ${describeValue(table)}`,
  };
}
