import { describe, expect, test } from "vitest";
import { compileFormula } from "../compile-formula.ts";
import { MappingError } from "../error.ts";
import type { MappingFunction } from "../function.ts";
import { functions } from "./registry.ts";

const env = {
  now: new Date("2026-11-23T10:00:00Z"),
  timeZone: "Europe/Berlin",
  tables: { currencies: { "€": "EUR", EUR: "EUR", US$: "USD" } },
};

/** The result, or the whole message of the problem or reason. */
function run(formula: string, record = {}): { output: unknown } | { message: string } {
  const compiled = compileFormula(formula);
  const [problem] = compiled.problems;
  if (problem) return { message: `${problem.message}. ${problem.remedy ?? ""}` };
  try {
    return { output: compiled.evaluate(record, env) };
  } catch (error) {
    if (error instanceof MappingError) return { message: error.message };
    throw error;
  }
}

const takesEmpty = ({ parameters }: MappingFunction) => parameters.length > 0;

describe.each(functions.map((definition) => [definition.name, definition] as const))("%s", (name, definition) => {
  test.each(definition.examples.map((example) => [example.formula, example] as const))("%s", (formula, example) => {
    const result = run(formula, example.record);
    if ("error" in example) expect(result).toEqual({ message: expect.stringContaining(example.error) });
    else expect(result).toEqual({ output: example.output });
  });

  test("is described, with examples that call it", () => {
    expect(definition.summary.length).toBeGreaterThan(10);
    expect(definition.summary).toMatch(/[.…]$/);
    expect(definition.examples.length).toBeGreaterThanOrEqual(2);
    expect(definition.examples.every((example) => example.formula.includes(`${name}(`))).toBe(true);
    for (const parameter of definition.parameters) expect(parameter.summary, parameter.name).not.toBe("");
    const empties = ["null", '""', "0", "false", "[]"];
    const unusual = definition.examples.some(
      (example) =>
        "error" in example || example.formula.includes("NULL") || empties.includes(JSON.stringify(example.output)),
    );
    if (takesEmpty(definition)) expect(unusual, "an example of an error or an empty value").toBe(true);
  });
});

test("no two functions share a name or a chain name", () => {
  const names = functions.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  expect(new Set(names).size).toBe(names.length);
  const chains = functions.flatMap(({ name, chain, chainAliases = [] }) => [
    ...(chain === null ? [] : [chain ?? name.toLowerCase()]),
    ...chainAliases,
  ]);
  expect(new Set(chains).size).toBe(chains.length);
  expect(functions.length).toBeGreaterThanOrEqual(90);
});
