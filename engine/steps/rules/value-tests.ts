/** The tests of one rule on one value, compiled once. */
import type { Json } from "../../../connectors/sdk/types.ts";
import { toInstant } from "../../mapping/moment.ts";
import { compareNumbers } from "../../mapping/number.ts";
import type { StepContext } from "../define-step.ts";
import { list } from "../words.ts";
import type { Condition } from "./schema.ts";
import { KIND_TESTS, momentIn, numberIn } from "./value-kinds.ts";

export type ValueTest = {
  code: string;
  holds(value: Json, context: Pick<StepContext, "timeZone">): boolean;
  /** continues "expected …" */
  expected: string;
  remedy: string;
};

const MEND = "Correct it at the source, or here and retry.";

/** @param pattern the compiled `matches`; undefined when the rule has none */
export function valueTests(rule: Condition, pattern: ((text: string) => boolean) | undefined): ValueTest[] {
  const tests: ValueTest[] = [];
  if (rule.is) {
    const { holds, expected, remedy } = KIND_TESTS[rule.is];
    tests.push({ code: "check-type", holds, expected, remedy: remedy ?? MEND });
  }
  if (rule.min !== undefined) tests.push(boundTest(rule.min, 1));
  if (rule.max !== undefined) tests.push(boundTest(rule.max, -1));
  if (rule.minLength !== undefined) tests.push(lengthTest(rule.minLength, 1));
  if (rule.maxLength !== undefined) tests.push(lengthTest(rule.maxLength, -1));
  if (pattern) {
    const expected = `text that matches ${rule.matches}`;
    tests.push({ code: "check-pattern", holds: (value) => pattern(textOf(value)), expected, remedy: MEND });
  }
  if (rule.oneOf) {
    const allowed = new Set(rule.oneOf.map(String));
    const expected = `one of ${list(rule.oneOf.map(String), 8)}`;
    const holds = (value: Json) => (typeof value === "object" ? false : allowed.has(String(value)));
    tests.push({ code: "check-option", holds, expected, remedy: MEND });
  }
  return tests;
}

/** @param sign 1: at least, -1: at most */
function boundTest(bound: number | string, sign: 1 | -1): ValueTest {
  const limit = numberIn(bound);
  const what =
    limit === undefined
      ? sign === 1
        ? "a date from"
        : "a date up to"
      : sign === 1
        ? "a number of at least"
        : "a number of at most";
  const test = { code: "check-range", expected: `${what} ${bound}`, remedy: MEND };
  if (limit !== undefined) {
    return {
      ...test,
      holds: (value) => {
        if (typeof value === "number" && typeof limit === "number") return sign === 1 ? value >= limit : value <= limit;
        const number = numberIn(value);
        return number !== undefined && compareNumbers(number, limit) * sign >= 0;
      },
    };
  }
  return {
    ...test,
    holds: (value, { timeZone }) => {
      const moment = momentIn(value, timeZone);
      const edge = momentIn(bound, timeZone);
      if (!moment || !edge) return false;
      const zone = () => timeZone;
      return (toInstant(moment, zone) - toInstant(edge, zone)) * sign >= 0;
    },
  };
}

/** Characters as people count them, not UTF-16 units; items of a list. */
function lengthTest(bound: number, sign: 1 | -1): ValueTest {
  const what = sign === 1 ? "at least" : "at most";
  return {
    code: "check-length",
    expected: `${what} ${bound} characters`,
    remedy: sign === 1 ? MEND : "Shorten it, or raise the limit of the rule.",
    holds: (value) => (lengthOf(value) - bound) * sign >= 0,
  };
}

export function lengthOf(value: Json): number {
  if (Array.isArray(value)) return value.length;
  const text = textOf(value);
  let length = text.length;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: everything within one UTF-16 unit
  if (length > 0 && !/^[\u0000-\ud7ff]*$/.test(text)) length = [...text].length;
  return length;
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : typeof value === "object" ? JSON.stringify(value) : String(value);
}
