import type { BinaryOperator } from "./ast.ts";
import { toText } from "./coerce.ts";
import { compareValues, isEqual } from "./compare.ts";
import { fail } from "./error.ts";
import { dateOfDayNumber, dayNumber, looksLikeIso, parseIso, toInstant, writeDate, writeInstant } from "./moment.ts";
import { add, divide, exact, isWhole, multiply, power, subtract } from "./number.ts";
import { LONGEST_TEXT } from "./text.ts";
import type { MappingEnv } from "./types.ts";
import { describeValue, isNumber, type Num, type Value } from "./value.ts";
import { spend } from "./work.ts";

type Binary = (a: Value, b: Value, env: MappingEnv) => Value;

/** How the operands are written, for messages. */
export interface Operands {
  operator: string;
  left: string;
  right: string;
}

/** Applies item by item when a side is a list; a single value meets every item. */
export function overLists(operator: string, single: Binary): Binary {
  const apply: Binary = (a, b, env) => {
    if (Array.isArray(a)) spend(a.length);
    else if (Array.isArray(b)) spend(b.length);
    if (Array.isArray(a) && Array.isArray(b)) {
      if (a.length !== b.length) {
        fail(
          "mismatch",
          `expected lists of the same length around ${operator}, found ${a.length} and ${b.length} items`,
        );
      }
      return a.map((item, index) => apply(item, b[index]!, env));
    }
    if (Array.isArray(a)) return a.map((item) => apply(item, b, env));
    if (Array.isArray(b)) return b.map((item) => apply(a, item, env));
    return single(a, b, env);
  };
  return apply;
}

const NUMBERS: { [operator: string]: (a: Num, b: Num) => Num } = {
  "+": add,
  "-": subtract,
  "*": multiply,
  "/": divide,
  "^": power,
};

/** The meaning of an operator between two values of any type; what does not fit is a reason. */
export function binary(operator: BinaryOperator, operands: Operands): Binary {
  switch (operator) {
    case "&":
      return overLists("&", (a, b) => joined(a, b));
    case "=":
      return overLists("=", isEqual);
    case "<>":
      return overLists("<>", (a, b, env) => !isEqual(a, b, env));
    case "<":
      return overLists("<", (a, b, env) => compareValues(a, b, env) < 0);
    case "<=":
      return overLists("<=", (a, b, env) => compareValues(a, b, env) <= 0);
    case ">":
      return overLists(">", (a, b, env) => compareValues(a, b, env) > 0);
    case ">=":
      return overLists(">=", (a, b, env) => compareValues(a, b, env) >= 0);
    default:
  }
  const compute = NUMBERS[operator]!;
  return overLists(operator, (a, b, env) => {
    if (isNumber(a) && isNumber(b)) return compute(a, b);
    return dateArithmetic(operator, a, b, env) ?? compute(operand(a, operands, 0), operand(b, operands, 1));
  });
}

/** Blanks join as empty text, as in spreadsheets. */
function joined(a: Value, b: Value): string {
  const text = (a === null ? "" : toText(a, 0)) + (b === null ? "" : toText(b, 1));
  if (text.length > LONGEST_TEXT)
    fail("too_long", `expected at most ${LONGEST_TEXT} characters, this makes ${text.length}`);
  return text;
}

function operand(value: Value, { operator, left, right }: Operands, argument: 0 | 1): Num {
  if (isNumber(value)) return value;
  const source = argument === 0 ? left : right;
  const place = `a number ${argument === 0 ? "before" : "after"} ${operator}`;
  if (value === null)
    fail(
      "empty",
      `expected ${place}, found nothing (${source} is empty); use IFEMPTY(${source}, 0) if empty means 0`,
      argument,
    );
  const separator = typeof value === "string" && value.includes(",") ? ', ","' : "";
  const remedy = typeof value === "string" ? `; use NUMBER(${source}${separator})` : "";
  return fail("not_a_number", `expected ${place}, found ${describeValue(value)} (${source})${remedy}`, argument);
}

/** date ± days → date, date − date → days; undefined when no side is a date. */
function dateArithmetic(operator: string, a: Value, b: Value, env: MappingEnv): Value | undefined {
  const zone = () => env.timeZone;
  if (typeof a === "string" && looksLikeIso(a)) {
    if ((operator === "+" || operator === "-") && isNumber(b))
      return shift(a, operator === "+" ? b : exact(b).neg(), zone);
    if (operator === "-" && typeof b === "string" && looksLikeIso(b)) return daysBetween(a, b, zone);
  }
  if (operator === "+" && isNumber(a) && typeof b === "string" && looksLikeIso(b)) return shift(b, a, zone);
  return undefined;
}

function shift(text: string, days: Num, zone: () => string): string {
  const moment = parseIso(text, zone)!;
  const count = exact(days);
  if (moment.kind === "datetime") return writeInstant(moment.ms + count.times(86_400_000).round().toNumber());
  if (!isWhole(days))
    fail("not_an_integer", `expected whole days for a date without time, found ${describeValue(days)}`, 1);
  return writeDate(dateOfDayNumber(dayNumber(moment) + count.toNumber()));
}

function daysBetween(a: string, b: string, zone: () => string): Num {
  const left = parseIso(a, zone)!;
  const right = parseIso(b, zone)!;
  if (left.kind === "date" && right.kind === "date") return dayNumber(left) - dayNumber(right);
  return divide(toInstant(left, zone) - toInstant(right, zone), 86_400_000);
}
