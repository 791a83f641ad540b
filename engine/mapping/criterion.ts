/** Conditions as COUNTIF and SUMIF take them. Source: OpenDocument 1.3 part 4, “Criterion”; Microsoft's page on COUNTIF. */
import { compareValues, isEqual } from "./compare.ts";
import { fail } from "./error.ts";
import { looksLikeIso } from "./moment.ts";
import { collectNumbers, parseNumeric } from "./number.ts";
import type { MappingEnv } from "./types.ts";
import { isNumber, type Num, type Value } from "./value.ts";

type Test = (item: Value) => boolean;
const OPERATOR = /^(<=|>=|<>|<|>|=)?(.*)$/s;

/**
 * `"A1"`, `5`: equal to it. `">=5"`, `"<2026-01-01"`: order, among values of that type only. `"<>A"`: anything else.
 * In texts `*` stands for any characters, `?` for one, `~` in front takes them literally. `"="` are empty values, `"<>"` all others.
 */
export function readCriterion(criterion: Value, env: MappingEnv): Test {
  if (typeof criterion !== "string") return (item) => isEqual(item, criterion, env);
  const [, operator = "=", rest = ""] = OPERATOR.exec(criterion)!;
  const operand = readOperand(rest);
  if (operator === "=" || operator === "<>") {
    const equals = equalTo(operand, rest, env);
    return operator === "=" ? equals : (item) => !equals(item);
  }
  return (item) => {
    if (!ordered(item, operand)) return false;
    const order = compareValues(item, operand, env);
    return operator === "<" ? order < 0 : operator === "<=" ? order <= 0 : operator === ">" ? order > 0 : order >= 0;
  };
}

/**
 * Numbers at the places where `list` meets the condition.
 *
 * @param numbers as long as the list; the list itself when left out
 */
export function numbersWhere(
  list: readonly Value[],
  criterion: Value,
  numbers: readonly Value[] | undefined | null,
  env: MappingEnv,
): Num[] {
  const taken = numbers ?? list;
  if (taken.length !== list.length)
    fail("mismatch", `expected lists of the same length, found ${list.length} and ${taken.length} items`, 2);
  const meets = readCriterion(criterion, env);
  return collectNumbers([taken.filter((_, index) => meets(list[index]!))]);
}

function readOperand(text: string): Value {
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
  return parseNumeric(text.trim()) ?? text;
}

function equalTo(operand: Value, written: string, env: MappingEnv): Test {
  if (typeof operand === "string" && /[*?~]/.test(operand)) {
    const like = wildcards(operand);
    return (item) => typeof item === "string" && like(item.toLowerCase());
  }
  return (item) => isEqual(item, operand, env) || (typeof item === "string" && isEqual(item, written, env));
}

/** Whether the two can be said to be smaller and larger: numbers with numbers, dates with dates, other texts with texts. */
function ordered(item: Value, operand: Value): boolean {
  if (typeof item === "string" && typeof operand === "string") return looksLikeIso(item) === looksLikeIso(operand);
  return (isNumber(item) && isNumber(operand)) || (typeof item === "boolean" && typeof operand === "boolean");
}

/** Goes back to the last `*` only, so its time stays in proportion to the texts. */
function wildcards(pattern: string): (text: string) => boolean {
  const parts: { any?: true; one?: true; letter?: string }[] = [];
  const letters = [...pattern.toLowerCase()];
  for (let at = 0; at < letters.length; at++) {
    const letter = letters[at]!;
    if (letter === "~" && at + 1 < letters.length) parts.push({ letter: letters[++at]! });
    else parts.push(letter === "*" ? { any: true } : letter === "?" ? { one: true } : { letter });
  }
  return (text) => {
    const found = [...text];
    let at = 0;
    let part = 0;
    let star = -1;
    let mark = 0;
    while (at < found.length) {
      const wanted = parts[part];
      if (wanted?.any) {
        star = part++;
        mark = at;
      } else if (wanted && (wanted.one || wanted.letter === found[at])) {
        at++;
        part++;
      } else if (star >= 0) {
        part = star + 1;
        at = ++mark;
      } else return false;
    }
    while (parts[part]?.any) part++;
    return part === parts.length;
  };
}
