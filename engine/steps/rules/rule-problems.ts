/** What is wrong with rules and formulas before any record is seen. */
import type { Field } from "../../../connectors/sdk/types.ts";
import { compileFormula } from "../../mapping/compile-formula.ts";
import { compareNumbers } from "../../mapping/number.ts";
import type { Problem, Shape } from "../define-step.ts";
import { findField, unknownField } from "../shape.ts";
import { atField, sentence } from "../words.ts";
import { patternProblem } from "./pattern.ts";
import type { Condition, Rule } from "./schema.ts";
import { momentIn, numberIn } from "./value-kinds.ts";

type Named = { id: string; title?: string | undefined };

/** @param place setting that holds the rules, such as "rules" or "branches[0].rules" */
export function ruleProblems(
  step: Named,
  rules: readonly (Rule | Condition)[],
  input: Shape,
  place: string,
): Problem[] {
  return rules.flatMap((rule, index) => problemsOfRule(step, rule, input, `${place}[${index}]`));
}

function problemsOfRule(step: Named, rule: Rule | Condition, input: Shape, place: string): Problem[] {
  const problems: Problem[] = [];
  const say = (setting: string, what: string, remedy: string) => {
    const field = rule.field ?? `${place}${setting}`;
    problems.push({ step: step.id, field, message: `${atField(step, field)}: ${what}.`, remedy });
  };
  if (rule.field !== undefined) {
    const unknown = unknownField(step, input, rule.field);
    if (unknown) problems.push(unknown);
  }
  const { formula, message: _message, ...demands } = { message: undefined, ...rule };
  const asked = Object.entries(demands).some(
    ([name, value]) => name !== "field" && name !== "optional" && value !== undefined && value !== false,
  );
  if (rule.field === undefined && asked)
    say("", "expected the field this rule is about, found none", "Choose a field.");
  if (!asked && formula === undefined) {
    say(
      "",
      "expected a demand such as is, min, oneOf or required, found none",
      "Say what the rule demands, or remove it.",
    );
  }
  if (rule.required && rule.optional) say(".optional", "found both required and optional", "Keep one of them.");
  if (rule.minLength !== undefined && rule.maxLength !== undefined && rule.minLength > rule.maxLength) {
    say(
      ".minLength",
      `no text has at least ${rule.minLength} and at most ${rule.maxLength} characters`,
      "Swap the two.",
    );
  }
  problems.push(...boundProblems(step, rule, place));
  if (rule.matches !== undefined) {
    const problem = patternProblem(rule.matches);
    if (problem) say(".matches", problem.replace(/\.$/, ""), "Correct the pattern.");
  }
  if (formula !== undefined) problems.push(...conditionProblems(step, formula, input, `${place}.formula`));
  problems.push(...kindProblems(step, rule, input));
  return problems;
}

function boundProblems(step: Named, rule: Condition, place: string): Problem[] {
  const problems: Problem[] = [];
  for (const name of ["min", "max"] as const) {
    const bound = rule[name];
    if (bound === undefined || numberIn(bound) !== undefined || momentIn(bound, "UTC") !== undefined) continue;
    const field = rule.field ?? `${place}.${name}`;
    problems.push({
      step: step.id,
      field,
      message: `${atField(step, field)}: expected a number or a date as ${name}, found "${String(bound).slice(0, 40)}".`,
      remedy: "Write a number (12.50) or a date (2026-11-23).",
    });
  }
  const low = numberIn(rule.min);
  const high = numberIn(rule.max);
  if (low !== undefined && high !== undefined && compareNumbers(low, high) > 0) {
    const field = rule.field ?? `${place}.min`;
    const message = `${atField(step, field)}: no number is at least ${rule.min} and at most ${rule.max}.`;
    problems.push({ step: step.id, field, message, remedy: "Swap the two." });
  }
  return problems;
}

const SCALARS = new Set<Field["type"]>(["text", "integer", "decimal", "boolean", "date", "datetime", "time"]);
/** Kinds a field of a type can never be: a rule that every record would break. */
const TEXT_ONLY = new Set(["text", "email", "url", "phone", "uuid", "iban", "currency", "country"]);

function kindProblems(step: Named, rule: Condition, input: Shape): Problem[] {
  if (rule.is === undefined || rule.field === undefined) return [];
  const found = findField(input, rule.field);
  if (found.state !== "known") return [];
  const { type } = found.field;
  const number = type === "integer" || type === "decimal";
  const never =
    (number && TEXT_ONLY.has(rule.is)) ||
    (type === "boolean" && rule.is !== "boolean" && rule.is !== "json") ||
    (SCALARS.has(type) && (rule.is === "list" || rule.is === "record")) ||
    (type === "date" && rule.is === "datetime") ||
    (type === "datetime" && rule.is === "date");
  if (!never || (number && rule.is === "phone")) return [];
  const message = `${atField(step, rule.field)}: expected ${rule.is} by the rule, but the field holds ${type}, so every record would fail.`;
  return [
    {
      step: step.id,
      field: rule.field,
      message,
      remedy: `Demand is: ${type === "decimal" ? "number" : type}, or choose another field.`,
    },
  ];
}

/** Problems of a formula that decides: syntax, unknown fields, a type that is not TRUE or FALSE. */
export function conditionProblems(step: Named, formula: string, input: Shape, setting: string): Problem[] {
  const compiled = compileFormula(formula, { input: input.open ? undefined : input.fields });
  const problems = compiled.problems.map((error): Problem => {
    const at = `at character ${error.position.start + 1}`;
    return {
      step: step.id,
      field: setting,
      message: `${atField(step, setting)}: ${error.message.replace(/\.$/, "")} (${at} of ${shortened(formula)}).`,
      remedy: error.remedy ? sentence(error.remedy) : "Correct the formula at this place.",
    };
  });
  const { type } = compiled.type;
  if (problems.length === 0 && type !== "boolean" && type !== "any" && type !== "json") {
    problems.push({
      step: step.id,
      field: setting,
      message: `${atField(step, setting)}: expected a formula that is TRUE or FALSE, found one that gives ${type}: ${shortened(formula)}.`,
      remedy: "Compare it, as in total > 100.",
    });
  }
  return problems;
}

function shortened(formula: string): string {
  return formula.length > 80 ? `"${formula.slice(0, 79)}…"` : `"${formula}"`;
}
