import fc from "fast-check";
import { expect, test } from "vitest";
import { MappingError } from "../error.ts";
import { RegexMachine } from "./machine.ts";
import { compileRegex, regexProblem } from "./regex.ts";
import { parseRegex, writeRegex } from "./syntax.ts";

test("the bounded engine finds what the built-in one finds", () => {
  const atom = fc.constantFrom(
    "a",
    "b",
    ".",
    "[ab]",
    "[^a]",
    "\\w",
    "\\d",
    "(a|b)",
    "(?:ab|a)",
    "(a)",
    "\\b",
    "^",
    "$",
  );
  const repeat = fc.constantFrom("", "", "*", "+", "?", "{2}", "{1,2}", "*?", "+?");
  const part = fc.tuple(atom, repeat).map(([node, times]) => (/^(\\b|\^|\$)$/.test(node) ? node : node + times));
  const pattern = fc
    .array(
      fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("")),
      { minLength: 1, maxLength: 2 },
    )
    .map((options) => options.join("|"));
  fc.assert(
    fc.property(
      pattern,
      fc.string({ unit: fc.constantFrom("a", "b", "c", "1", " "), maxLength: 8 }),
      (source, text) => {
        const syntax = parseRegex(source);
        const native = new RegExp(writeRegex(syntax.root), "u").exec(text);
        const places = new RegexMachine(syntax).exec([...text], 0, { steps: 0 });
        expect(places && text.slice(places[0], places[1])).toBe(native?.[0]);
        expect(places?.[0]).toBe(native?.index);
      },
    ),
    { numRuns: 3000 },
  );
});

test.each(["(a+)+$", "(a|a)*$", "(a*)*b", "a*a*a*a*a*b", "(.*a){12}", "(a?){30}a{30}"])(
  "%s on a long text ends at once",
  (pattern) => {
    const started = performance.now();
    compileRegex(pattern).exec(`${"a".repeat(5000)}!`, 0);
    expect(performance.now() - started).toBeLessThan(5000);
  },
);

test.each([
  ["(", "never closed"],
  ["a)", 'has no "("'],
  ["(?=a)", "look-around"],
  ["(?<!a)b", "look-around"],
  ["(a)\\1", "back references"],
  ["[z-a]", "regular expression"],
  ["*a", "nothing to repeat"],
  ["(a{1000}){1000}", "repeats too much"],
])("%s is refused with a reason", (pattern, message) => {
  expect(regexProblem(pattern, 1)?.message).toContain(message);
  expect(() => compileRegex(pattern)).toThrow(MappingError);
});

test("groups and texts beyond the basic plane", () => {
  expect(compileRegex("(\\w+)@(\\w+)").replace("x ana@site y", "$2 at $1, $$")).toBe("x site at ana, $ y");
  expect(compileRegex("(?i)É.").exec("👍 éa", 0)).toMatchObject({ start: 3, groups: ["éa"] });
  expect(compileRegex("(x+)+.").replace(`${"👍".repeat(3)}xx1`, "[$1]")).toBe("👍👍👍[xx]");
  expect(compileRegex("x*").replace("axb", "-")).toBe("-a--b-");
});
