/** Rules as closures: a fast test for every record, and the reasons for the few that fail. */
import { type FailureInfo, quote } from "../../../connectors/sdk/errors.ts";
import type { Json, JsonRecord } from "../../../connectors/sdk/types.ts";
import { compileFormula } from "../../mapping/compile-formula.ts";
import { MappingError } from "../../mapping/error.ts";
import type { Shape, StepContext } from "../define-step.ts";
import { isEmpty, type Reader, readerOf } from "../field-access.ts";
import { atField, failureCode, sentence, stepName } from "../words.ts";
import { compilePattern } from "./pattern.ts";
import type { Rule } from "./schema.ts";
import { KIND_TESTS } from "./value-kinds.ts";
import { type ValueTest, valueTests } from "./value-tests.ts";

type Named = { id: string; title?: string | undefined };
export type Reason = { code: string; field?: string; text: string; remedy: string };

export type CompiledRule = {
  rule: Rule;
  read: Reader | undefined;
  /** @throws MappingError when the rule's formula has no result for this record */
  holds(record: JsonRecord, context: StepContext): boolean;
  /** Why `holds` is false or throws. */
  reason(record: JsonRecord, context: StepContext): Reason;
};

export function compileRules(rules: readonly Rule[], input: Shape): CompiledRule[] {
  return rules.map((rule) => compileRule(rule, input));
}

function compileRule(rule: Rule, input: Shape): CompiledRule {
  const pattern = rule.matches === undefined ? undefined : compilePattern(rule.matches);
  const tests = valueTests(rule, pattern);
  const read = rule.field === undefined ? undefined : readerOf(rule.field);
  const formula = rule.formula === undefined ? undefined : compileCondition(rule.formula, input);
  const emptyFails = failsWhenEmpty(rule);
  const valueHolds = compileTests(tests, emptyFails);
  const holds = (record: JsonRecord, context: StepContext): boolean =>
    (read === undefined || valueHolds(read(record), context)) && (formula === undefined || formula(record, context));
  return { rule, read, holds, reason: (record, context) => withMessage(rule, reasonOf(record, context)) };

  function reasonOf(record: JsonRecord, context: StepContext): Reason {
    const field = rule.field === undefined ? {} : { field: rule.field };
    try {
      if (read && !valueHolds(read(record), context)) return valueReason(rule, tests, read(record), context);
      formula?.(record, context);
    } catch (error) {
      if (!(error instanceof MappingError)) throw error;
      return { code: failureCode(error.code), ...field, text: `the rule has no result: ${error.message}`, remedy: "" };
    }
    const text = `expected ${quote(rule.formula)} to be TRUE, found FALSE`;
    return { code: "check-formula", ...field, text, remedy: "Correct the record here and retry." };
  }
}

function valueReason(rule: Rule, tests: readonly ValueTest[], value: Json | undefined, context: StepContext): Reason {
  const field = rule.field === undefined ? {} : { field: rule.field };
  if (value === undefined || isEmpty(value)) {
    const expected = rule.is ? KIND_TESTS[rule.is].expected : "a value";
    const found = value === undefined || value === null ? "nothing" : quote(value);
    const text = `expected ${expected}, found ${found}`;
    return { code: "check-empty", ...field, text, remedy: "Fill it in here and retry, or mark the rule as optional." };
  }
  const failed = tests.find((test) => !test.holds(value, context));
  if (!failed) throw new Error("A rule that holds has no reason.");
  const text = `expected ${failed.expected}, found ${quote(value)}`;
  return { code: failed.code, ...field, text, remedy: failed.remedy };
}

function withMessage(rule: Rule, reason: Reason): Reason {
  return rule.message === undefined ? reason : { ...reason, text: rule.message, remedy: "" };
}

/** Every test but an upper limit wants something to be there. */
function failsWhenEmpty(rule: Rule): boolean {
  if (rule.required) return true;
  if (rule.optional) return false;
  return (
    rule.is !== undefined ||
    rule.min !== undefined ||
    rule.max !== undefined ||
    (rule.minLength ?? 0) > 0 ||
    rule.matches !== undefined ||
    rule.oneOf !== undefined
  );
}

function compileTests(tests: readonly ValueTest[], emptyFails: boolean) {
  const [first, second] = tests;
  if (!first) return (value: Json | undefined) => !emptyFails || !isEmpty(value);
  if (!second) {
    return (value: Json | undefined, context: StepContext) =>
      isEmpty(value) ? !emptyFails : first.holds(value as Json, context);
  }
  return (value: Json | undefined, context: StepContext) => {
    if (isEmpty(value)) return !emptyFails;
    for (const test of tests) if (!test.holds(value as Json, context)) return false;
    return true;
  };
}

/**
 * A formula that decides about a record. Nothing counts as FALSE; a result other than TRUE, FALSE or nothing is a reason.
 * @param input undefined fields of an open shape are looked for in each record
 */
export function compileCondition(formula: string, input: Shape): (record: JsonRecord, context: StepContext) => boolean {
  const compiled = compileFormula(formula, { input: input.open ? undefined : input.fields });
  return (record, context) => {
    const result = compiled.evaluate(record, context);
    if (result === true) return true;
    if (result === false || result === null) return false;
    throw new MappingError(
      "not_a_boolean",
      `expected TRUE or FALSE from ${quote(formula)}, found ${quote(result)}; compare it, as in x > 0`,
    );
  };
}

const MOST_REASONS = 5;

/** One failure of a record from all its reasons: the first decides code and field, the message lists them. */
export function failureFrom(step: Named, reasons: readonly Reason[]): FailureInfo {
  const [first] = reasons;
  if (!first) throw new Error("A failure needs a reason.");
  const failure: FailureInfo = { kind: "rejected", code: first.code, message: "" };
  if (first.field !== undefined) failure.field = first.field;
  if (reasons.length === 1) {
    failure.message = `${atField(step, first.field)}: ${[sentence(first.text), first.remedy].filter(Boolean).join(" ")}`;
    return failure;
  }
  const shown = reasons
    .slice(0, MOST_REASONS)
    .map(({ field, text }) => (field === undefined ? text : `“${field}” ${text}`));
  const more = reasons.length > MOST_REASONS ? `; and ${reasons.length - MOST_REASONS} more` : "";
  failure.message = `${stepName(step)}, ${reasons.length} reasons: ${shown.map((text) => text.replace(/[.]$/, "")).join("; ")}${more}.`;
  return failure;
}
