import { describe, expect, test } from "vitest";
import { compileFormula } from "./compile-formula.ts";
import { MappingError } from "./error.ts";
import type { Field, JsonRecord } from "./types.ts";

const env = { now: new Date("2026-11-23T10:00:00Z"), timeZone: "Europe/Berlin" };
const shape: Field[] = [
  { name: "id", type: "integer", nullable: false },
  { name: "total", type: "decimal" },
  { name: "Unit price", type: "decimal" },
  { name: "note", type: "text" },
  { name: "paid", type: "boolean" },
  { name: "ordered", type: "date" },
  { name: "customer", type: "record", fields: [{ name: "name", type: "text" }] },
  {
    name: "lines",
    type: "list",
    fields: [
      { name: "sku", type: "text" },
      { name: "qty", type: "integer" },
      { name: "price", type: "decimal" },
    ],
  },
];

function evaluate(formula: string, record: JsonRecord = {}, input?: Field[]): unknown {
  const compiled = compileFormula(formula, { input });
  expect(compiled.problems.map((problem) => problem.message)).toEqual([]);
  return compiled.evaluate(record, env);
}

test.each(["NaN", "Infinity", "-Infinity"])(
  "IFERROR gives %s of a database another value, as its reason advises",
  (total) => {
    expect(evaluate("IFERROR(NUMBER(total), null)", { total }, shape)).toBeNull();
  },
);

function reason(formula: string, record: JsonRecord = {}, input?: Field[]): MappingError {
  try {
    evaluate(formula, record, input);
  } catch (error) {
    if (error instanceof MappingError) return error;
    throw error;
  }
  throw new Error(`${formula} has a result`);
}

function problemOf(formula: string) {
  const [problem] = compileFormula(formula, { input: shape, tables: ["currencies"] }).problems;
  return { message: problem?.message, remedy: problem?.remedy, position: problem?.position };
}

describe("operators", () => {
  test.each([
    ["0.1 + 0.2", 0.3],
    ["1.1 * 1.1", 1.21],
    ["9007199254740993 + 1", "9007199254740994"],
    ["99999999999999.99 + 0.01", 100000000000000],
    ["1 / 3", "0.3333333333333333333333333333333333"],
    ["10 / 4", 2.5],
    ["-2 ^ 2", 4],
    ["2 ^ 3 ^ 2", 64],
    ["200 * 19%", 38],
    ["1 + 2 & 3", "33"],
    ['"a" = "A"', true],
    ['NULL = ""', true],
    ["NULL = 0", false],
    ['1 = "1"', false],
    ['"a" & NULL & TRUE', "aTRUE"],
    ['"2026-11-23" = "2026-11-22T23:00:00Z"', true],
    ['"2026-11-23" + 30', "2026-12-23"],
    ['"2026-11-23" - "2026-11-01"', 22],
    ["[1, 2] * [3, 4]", [3, 8]],
    ["[1, 2] + 1", [2, 3]],
    ["= 1 + 1", 2],
    ["LET(net, 100; rate, 19%; net + net * rate)", 119],
    ['{ a: 1; "b c": [2] }', { a: 1, "b c": [2] }],
    ["-0 * 5", 0],
  ])("%s", (formula, expected) => {
    expect(evaluate(formula)).toEqual(expected);
  });

  test("text is never silently a number", () => {
    const error = reason("total * 1.19", { total: "12,50" });
    expect(error.message).toBe('expected a number before *, found text "12,50" (total); use NUMBER(total, ",")');
    expect(error).toMatchObject({ code: "not_a_number", argument: 0, position: { start: 0, end: 12 } });
  });

  test("arithmetic with an empty operand says which", () => {
    expect(reason("qty * price", { qty: 2, price: null }).message).toContain("price is empty");
    expect(reason("qty * price", { qty: 2, price: null }).message).toContain("IFEMPTY(price, 0)");
    expect(reason("SUM(lines.qty * lines.price)", { lines: [{ qty: 1, price: null }] }).code).toBe("empty");
  });

  test("nothing is ever infinite", () => {
    expect(reason("1 / x", { x: 0 }).code).toBe("division_by_zero");
    expect(reason("x ^ 400", { x: 99 }).code).toBe("overflow");
    expect(reason("REDUCE(x, SEQUENCE(20), LAMBDA(a, n, a * a))", { x: 99 }).code).toBe("overflow");
  });

  test("lists of different lengths do not meet", () => {
    expect(reason("a + b", { a: [1, 2], b: [1] }).message).toContain("found 2 and 1 items");
  });
});

describe("fields", () => {
  test("are found in nested records and lists, with odd names in brackets", () => {
    const record = {
      "Unit price": 2.5,
      customer: { name: "Ana" },
      lines: [
        { sku: "A", qty: 2, price: 1.1 },
        { sku: "B", qty: 3, price: 0.7 },
      ],
    };
    expect(evaluate("[Unit price] & customer.name", record)).toBe("2.5Ana");
    expect(evaluate("SUM(lines.qty * lines.price)", record)).toBe(4.3);
    expect(evaluate("lines[2].sku", record)).toBe("B");
    expect(evaluate('JOIN(UPPER(lines.sku), "+")', record)).toBe("A+B");
    expect(evaluate("SUM(ROUND(lines.price, 0))", record)).toBe(2);
    expect(evaluate("MAP(lines, LAMBDA(l, l.qty * [Unit price]))", record)).toEqual([5, 7.5]);
  });

  test("numbers that arrive as text are read by their declared type", () => {
    expect(evaluate("total + 0.01", { total: "90071992547409931.99" }, shape)).toBe("90071992547409932");
    expect(reason("total + 1", { total: "NaN" }, shape).message).toContain(
      'the decimal field "total" to hold a number',
    );
  });

  test("declared but absent is NULL, undeclared and absent is a reason", () => {
    expect(evaluate("note", {}, shape)).toBeNull();
    expect(reason("UPPER(emial)", { email: "x" }).message).toBe(
      'expected a field "emial" in the record, found none; did you mean email?',
    );
    expect(evaluate('IFEMPTY(phone, "none")', { email: "x" })).toBe("none");
    expect(reason("lines.qyt", { lines: [{ qty: 1 }] }).code).toBe("missing_field");
    expect(evaluate("lines.qty", { lines: [{ qty: 1 }, {}] })).toEqual([1, null]);
  });

  test("what objects inherit is no field", () => {
    expect(reason("constructor", {}).code).toBe("missing_field");
    expect(reason("a.__proto__", { a: {} }).code).toBe("missing_field");
    expect(evaluate('GET(a, "constructor", 1)', { a: {} })).toBe(1);
    expect(JSON.stringify(evaluate('{ "__proto__": 1 }'))).toBe('{"__proto__":1}');
  });

  test("are reported with their paths", () => {
    expect(compileFormula("UPPER(customer.name) & SUM(lines.qty) & id", { input: shape }).reads).toEqual([
      "customer.name",
      "lines.qty",
      "id",
    ]);
  });
});

describe("problems before any record", () => {
  test.each([
    ["UPER(note)", "unknown function UPER", "Did you mean UPPER?"],
    ["custmer.name", 'unknown field "custmer"', "Did you mean customer?"],
    ["customer.nam", 'unknown field "nam"', "Did you mean name?"],
    ["ROUND(1, 2, 3)", "ROUND expects 1 to 2 arguments, found 3", "Write ROUND(number, [digits])."],
    [
      "note * 2",
      "* expects numbers, note is text",
      'Use NUMBER(note), with "," as second argument when that is its decimal separator.',
    ],
    ["ROUND(note, 2)", "ROUND expects a number as number, note is text", "Use NUMBER(note)."],
    ["note > 5", "> cannot compare text with a number", "Use NUMBER(note)."],
    ['LOOKUP(note, "curencies")', 'unknown table "curencies"', 'Did you mean "currencies"?'],
    [
      'PARSEDATE(note, "qq")',
      'PARSEDATE: expected a date format such as dd.MM.yyyy, found "qq": "q" means nothing in it',
      undefined,
    ],
    ['REGEXMATCH(note, "(?=a)")', undefined, undefined],
    ["total.x", 'total is decimal and has no fields, so not "x" either', undefined],
    ["LAMBDA(a, a)", "LAMBDA is only allowed as an argument of a function such as MAP or FILTER", undefined],
    ["FILTER(lines, LAMBDA(a, b, c, a))", "FILTER gives a LAMBDA 2 values, this one takes 3", undefined],
  ])("%s", (formula, message, remedy) => {
    const problem = problemOf(formula);
    expect(problem.position).toBeDefined();
    if (message !== undefined) expect(problem.message).toBe(message);
    if (remedy !== undefined) expect(problem.remedy).toBe(remedy);
  });

  test("all of them are found at once", () => {
    expect(compileFormula("nope1 + nope2 + NOPE3()", { input: shape }).problems).toHaveLength(3);
  });

  test.each([
    ["id + 1", "integer"],
    ["total * 2", "decimal"],
    ["UPPER(note)", "text"],
    ["id > 5", "boolean"],
    ["ordered + 14", "date"],
    ['PARSEDATE(note, ["dd.MM.yyyy", "yyyy-MM-dd"])', "date"],
    ['PARSEDATE(note, "dd.MM.yyyy HH:mm")', "datetime"],
    ['DATEADD(ordered, 2, "hours")', "datetime"],
    ['DATEADD(ordered, 2, "days")', "date"],
    ["IF(paid, id, total)", "decimal"],
    ["IF(paid, NULL, note)", "text"],
    ["lines.qty", "list"],
    ["FIRST(lines).sku", "text"],
    ["{ a: id }", "record"],
  ])("%s has the type %s", (formula, type) => {
    const compiled = compileFormula(formula, { input: shape });
    expect(compiled.problems).toEqual([]);
    expect(compiled.type.type).toBe(type);
  });

  test("what depends on nothing is computed once, what depends on the moment is not", () => {
    expect(compileFormula("ROUND(100 * 1.19, 1)").constant).toBe(119);
    expect(compileFormula("TODAY()").constant).toBeUndefined();
    expect(compileFormula("1 / 0").problems).toEqual([]);
  });
});

describe("a reason", () => {
  test("names function, argument and place, and quotes the value shortened", () => {
    const error = reason('UPPER(DATEVALUE(d)) & "x"', { d: `${"long ".repeat(30)}` });
    expect(error).toMatchObject({
      function: "DATEVALUE",
      argument: 0,
      position: { start: 6, end: 18 },
      code: "not_a_date",
    });
    expect(error.message.length).toBeLessThan(160);
  });

  test("endless work on one record is one", () => {
    expect(reason("SUM(MAP(SEQUENCE(n), LAMBDA(a, SUM(MAP(SEQUENCE(n), LAMBDA(b, a * b))))))", { n: 2000 }).code).toBe(
      "too_much_work",
    );
    expect(reason("REDUCE(1, SEQUENCE(60), LAMBDA(a, n, [a, a]))").code).toBe("too_much_work");
    expect(reason("LET(b, REDUCE(1, SEQUENCE(60), LAMBDA(a, n, [a, a])), FLATTEN(b))").code).toBe("too_much_work");
    expect(reason("LET(b, REDUCE(1, SEQUENCE(60), LAMBDA(a, n, [a, a])), b + 1)").code).toBe("too_much_work");
    expect(reason('REDUCE("x", SEQUENCE(60), LAMBDA(a, n, a & a))').code).toBe("too_long");
  });
});

test("times over a change of the clocks", () => {
  expect(evaluate('DATEADD("2026-10-24T12:00:00Z", 1, "day")')).toBe("2026-10-25T13:00:00.000Z");
  expect(evaluate('HOUR("2026-10-25T00:30:00Z") & HOUR("2026-10-25T01:30:00Z")')).toBe("22");
  expect(evaluate('PARSEDATE("25.10.2026 02:30", "dd.MM.yyyy HH:mm")')).toBe("2026-10-25T00:30:00.000Z");
  expect(reason('PARSEDATE(d, "dd.MM.yyyy HH:mm")', { d: "29.03.2026 02:30" }).message).toContain(
    "does not exist in Europe/Berlin",
  );
});
