import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileFormula } from "./compile-formula.ts";
import { FormulaError } from "./error.ts";
import { parseFormula } from "./parse.ts";
import { tokenize } from "./token.ts";

function problem(formula: string): FormulaError {
  try {
    parseFormula(formula);
  } catch (error) {
    if (error instanceof FormulaError) return error;
    throw error;
  }
  throw new Error(`${formula} was parsed`);
}

describe("a formula with a syntax error", () => {
  test.each([
    ["ROUND(total, 2", "expected ) to close ROUND( opened at 6, the formula ended", 14],
    ["UPPER(a))", 'expected an operator or the end of the formula, found ")" at 9', 8],
    ["a +", "expected a value, found the end at 4", 3],
    ["", "expected a formula, found nothing", 0],
    ["IF(a,,b)", 'expected a value for IF(, found "," at 6', 5],
    ['"abc', 'the text that starts here has no closing double quote (")', 0],
    ["a == b", 'expected "=" to compare, found "=="', 2],
    ["a && b", 'expected AND(…, …), found "&&"', 2],
    ["{ a 1 }", 'expected ":" after "a", found "1" at 5', 4],
    ["{ a: 1, a: 2 }", 'the record has "a" twice', 8],
    ["a.", 'expected a field name after ".", found the end at 3', 2],
    ["a ? b", "the character ? means nothing here; field names with odd characters go in square brackets", 2],
  ])("%s names the place", (formula, message, start) => {
    const error = problem(formula);
    expect(error.message).toBe(message);
    expect(error.position.start).toBe(start);
  });

  test("a name with a blank gets the brackets it needs as remedy", () => {
    expect(problem("Unit price * 2").remedy).toBe("Put a name with blanks in square brackets: [Unit price].");
  });

  test("nesting without end is refused, not a stack overflow", () => {
    expect(problem("(".repeat(5000)).message).toContain("nested deeper");
    expect(problem(`1${"+1".repeat(5000)}`).message).toContain("nested deeper");
    expect(problem("-".repeat(5000)).message).toContain("nested deeper");
    expect(problem("x".repeat(30_000)).message).toContain("at most 20000 characters");
  });
});

test("any text is a formula or a FormulaError inside it, and its tokens cover it in order", () => {
  const piece = fc.constantFrom(
    "a",
    "[b c]",
    "1",
    "1.5",
    '"x"',
    "(",
    ")",
    ",",
    ";",
    "+",
    "-",
    "*",
    "%",
    "^",
    "&",
    "=",
    "<>",
    "{",
    "}",
    ":",
    "[",
    "]",
    ".",
    " ",
    "IF(",
    "LET(",
    "LAMBDA(",
    "MAP(",
    "`",
    '"',
    "NULL",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary", maxLength: 60 }),
        fc.array(piece, { maxLength: 25 }).map((parts) => parts.join("")),
      ),
      (source) => {
        let last = 0;
        for (const token of tokenize(source)) {
          expect(token.start).toBeGreaterThanOrEqual(last);
          expect(source.slice(token.start, token.end)).toBe(token.source);
          last = token.end;
        }
        for (const { position } of compileFormula(source).problems) {
          expect(position.start).toBeGreaterThanOrEqual(0);
          expect(position.end).toBeLessThanOrEqual(Math.max(source.length, position.start));
        }
      },
    ),
    { numRuns: 3000 },
  );
});
